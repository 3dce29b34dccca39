/** Error codes: their numbers in gRPC, their names in Connect, their HTTP statuses; envd-rpc.md 2.7. */

/** The numbers are gRPC's. */
export const enum Code {
  OK = 0,
  CANCELED = 1,
  UNKNOWN = 2,
  INVALID_ARGUMENT = 3,
  DEADLINE_EXCEEDED = 4,
  NOT_FOUND = 5,
  ALREADY_EXISTS = 6,
  PERMISSION_DENIED = 7,
  RESOURCE_EXHAUSTED = 8,
  FAILED_PRECONDITION = 9,
  ABORTED = 10,
  OUT_OF_RANGE = 11,
  UNIMPLEMENTED = 12,
  INTERNAL = 13,
  UNAVAILABLE = 14,
  DATA_LOSS = 15,
  UNAUTHENTICATED = 16,
}

/** The HTTP status of each code from 1 on, and its name. */
const TABLE =
  "499canceled;500unknown;400invalid_argument;504deadline_exceeded;404not_found;409already_exists;403permission_denied;" +
  "429resource_exhausted;400failed_precondition;409aborted;400out_of_range;501unimplemented;500internal;503unavailable;" +
  "500data_loss;401unauthenticated";

function entry(code: Code): string {
  return TABLE.split(";").at(code - 1) ?? "500unknown";
}

/** The name of a code that is not OK. */
export function codeName(code: Code): string {
  return entry(code).slice(3);
}

/** The HTTP status of an answer to a unary call of Connect that failed. */
export function httpStatus(code: Code): number {
  return Number(entry(code).slice(0, 3));
}
