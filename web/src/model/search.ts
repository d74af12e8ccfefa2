/** search is the first of so many places that does not come before what is sought; those that do stand first. */
export function search(places: number, before: (place: number) => boolean): number {
  let low = 0;
  let high = places;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
