import "./App.css";
import { t } from "../i18n";
import { Room } from "./context";
import { EventDialog } from "./EventDialog";
import { Explanations } from "./Explain";
import { place } from "./reports/place";
import { ReportsPages } from "./reports/Pages";
import { RoomPage } from "./RoomPage";
import { StartPage } from "./StartPage";
import { code, entered, model } from "./session";
import { Toasts } from "./Toasts";
import { TopBar } from "./TopBar";
import { Turn } from "./Turn";

export function App() {
  const room = model.value;
  return (
    <Room.Provider value={room}>
      <a class="skip" href="#main">
        {t("skip")}
      </a>
      <TopBar room={room} />
      <main id="main" tabIndex={-1}>
        <Turn>{place.value.at !== "room" ? <ReportsPages /> : entered.value && room ? <RoomPage code={code.value} /> : <StartPage room={room} />}</Turn>
      </main>
      {room && place.value.at === "room" && (
        <>
          <Toasts room={room} />
          <EventDialog />
        </>
      )}
      <Explanations />
    </Room.Provider>
  );
}
