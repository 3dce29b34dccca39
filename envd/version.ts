/** The version of envd's protocol that is served: what hosts and SDKs compare; envd-http.md 1.3. */
export const ENVD_VERSION = "0.6.11";
