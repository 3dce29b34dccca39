/** Cross-origin requests, the CORS protocol of the Fetch standard, for a server that any page may use without credentials. */

/** The methods that a page may use. */
const METHODS = " HEAD GET POST PUT PATCH DELETE OPTIONS ";
const MAX_AGE = 7200;

function isAllowed(method: string): boolean {
  return METHODS.includes(` ${method} `) && !method.includes(" ");
}

/** Whether an OPTIONS request with this Access-Control-Request-Method, empty where there is none, is a preflight. */
export function isPreflight(method: string, requestMethod: string): boolean {
  return method === "OPTIONS" && requestMethod !== "";
}

/**
 * The header lines of the answer to a preflight, each with its CRLF, from its Origin, Access-Control-Request-Method and
 * Access-Control-Request-Headers, each empty where it is absent. The page's own words are repeated; they are header
 * values, so they hold no line end.
 */
export function preflightHeaders(origin: string, requestMethod: string, requestHeaders: string): string {
  const vary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";
  if (origin === "" || !isAllowed(requestMethod)) return vary;
  const headers = requestHeaders === "" ? "" : `Access-Control-Allow-Headers: ${requestHeaders}\r\n`;
  return `${vary}Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: ${requestMethod}\r\n${headers}Access-Control-Max-Age: ${MAX_AGE}\r\n`;
}

/**
 * The header lines of any other response: `vary` is what else it varies with, empty or such as `Accept-Encoding`, and
 * `exposed` the list of headers that a page may see.
 */
export function corsHeaders(origin: string, method: string, vary: string, exposed: string): string {
  const line = vary === "" ? "Vary: Origin\r\n" : `Vary: Origin, ${vary}\r\n`;
  if (origin === "" || !isAllowed(method)) return line;
  return `${line}Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: ${exposed}\r\n`;
}
