export interface Times {
    /** When the token is to be exchanged, by this device's clock. */
    due: number;
    /** The session's id, which stays when the tokens change. */
    sid: string;
}
/** Reads a token that came just now. One that does not tell its times is the server's to judge. */
export declare function timesOf(token: string): Times;
