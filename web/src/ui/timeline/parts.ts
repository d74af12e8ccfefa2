// One file to be fetched, when the reader comes near it.
export { default as Timeline } from "./Timeline";
export { default as Plots } from "../plots/Plots";
