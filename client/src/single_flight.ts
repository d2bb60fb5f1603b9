/** Whatever asks for the same at the same time shares one flight, and its outcome. */
export function singleFlight<A extends unknown[], T>(run: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let flight: Promise<T> | undefined;
  const land = () => { flight = undefined; };
  return (...args) => {
    if (!flight) {
      flight = run(...args);
      flight.then(land, land);
    }
    return flight;
  };
}
