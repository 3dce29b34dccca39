/** GET and HEAD /files; envd-http.md 5.6. */
import type { Exchange } from "../http/exchange.ts";
import { FileWriter } from "../http/file-writer.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Query } from "../http/query.ts";
import { Status } from "../http/status.ts";
import { fstat, openForReading } from "../sys/file.ts";

export class DownloadHandler extends Handler {
  override handle(exchange: Exchange, request: RequestHead): void {
    const fd = openForReading(new Query(request.query).get("path") ?? "");
    const size = fstat(fd).size;
    exchange.begin(Status.OK, size);
    new FileWriter(exchange, fd, 0, size).start();
  }
}
