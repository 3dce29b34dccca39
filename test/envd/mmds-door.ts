// Inside a network namespace: takes connections at an address and port, argv 2 and 3, to a Unix socket, argv 4, which any
// process can serve. Prints its pid once it listens.

import { connect, createServer } from "node:net";

const [hostname = "", port = "", path = ""] = process.argv.slice(2);
createServer((client) => {
  const server = connect(path);
  client.setNoDelay(true);
  client.pipe(server).pipe(client);
  for (const [one, other] of [[client, server], [server, client]] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}).listen(Number(port), hostname, () => console.log(process.pid));
