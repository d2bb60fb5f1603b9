export interface Body {
    data?: unknown;
    errors?: unknown;
    error?: unknown;
    avatarUrl?: unknown;
}
/** What is wanted of an answer, where it is there. */
export type Pick = (body: Body) => unknown;
/** The data of a GraphQL answer, as a whole. */
export declare const pickData: Pick;
/** JSON as an object, whether it is text still or was parsed already; what is no JSON has none of the members. */
export declare function parse(answer: any): Body;
/** Reads an answer of the server. Throws its error: GraphQL's first, or that of another route, or else `BAD_ANSWER`. */
export declare function readAnswer<T>(answer: unknown, pick: Pick): T;
