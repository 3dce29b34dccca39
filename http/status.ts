/** Status codes and their reason phrases; RFC 9110 section 15. */
export const enum Status {
  CONTINUE = 100,
  OK = 200,
  NO_CONTENT = 204,
  PARTIAL_CONTENT = 206,
  NOT_MODIFIED = 304,
  BAD_REQUEST = 400,
  UNAUTHORIZED = 401,
  FORBIDDEN = 403,
  NOT_FOUND = 404,
  METHOD_NOT_ALLOWED = 405,
  NOT_ACCEPTABLE = 406,
  PRECONDITION_FAILED = 412,
  PAYLOAD_TOO_LARGE = 413,
  UNSUPPORTED_MEDIA_TYPE = 415,
  RANGE_NOT_SATISFIABLE = 416,
  EXPECTATION_FAILED = 417,
  HEAD_TOO_LARGE = 431,
  INTERNAL_ERROR = 500,
  NOT_IMPLEMENTED = 501,
  UNAVAILABLE = 503,
  VERSION_NOT_SUPPORTED = 505,
  INSUFFICIENT_STORAGE = 507,
}

/** Each `CODE phrase`, in one text: a table of strings would cost more. */
const PHRASES =
  ";200 OK;204 No Content;206 Partial Content;304 Not Modified;400 Bad Request;401 Unauthorized;403 Forbidden" +
  ";404 Not Found;405 Method Not Allowed;406 Not Acceptable;408 Request Timeout;409 Conflict;412 Precondition Failed" +
  ";413 Content Too Large;415 Unsupported Media Type;416 Range Not Satisfiable;417 Expectation Failed" +
  ";429 Too Many Requests;431 Request Header Fields Too Large;499 Client Closed Request;500 Internal Server Error" +
  ";501 Not Implemented;503 Service Unavailable;504 Gateway Timeout;505 HTTP Version Not Supported" +
  ";507 Insufficient Storage;";

/** `CODE phrase`, as a status line has it. */
export function statusText(status: number): string {
  const at = PHRASES.indexOf(`;${status} `);
  // A code without a phrase keeps the space behind it; RFC 9112 section 4.
  return at < 0 ? `${status} ` : PHRASES.slice(at + 1, PHRASES.indexOf(";", at + 1));
}
