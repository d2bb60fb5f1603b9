/** Whatever asks for the same at the same time shares one flight, and its outcome. */
export declare function singleFlight<A extends unknown[], T>(run: (...args: A) => Promise<T>): (...args: A) => Promise<T>;
