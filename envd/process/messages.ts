/** The messages of the process service, and those of its events that say little; envd-rpc.md 1.2. */
import { Schema } from "../../connect/schema.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { Frame } from "./frame.ts";

export const processSchema = new Schema(`Signal SIGNAL_UNSPECIFIED=0 SIGNAL_SIGKILL=9 SIGNAL_SIGTERM=15
Size cols=1:uint32 rows=2:uint32
PTY size=1:Size
ProcessConfig cmd=1:string args=2:string* envs=3:map cwd=4:string
ProcessSelector pid=1:uint32| tag=2:string|
ProcessInput stdin=1:bytes| pty=2:bytes|
Empty
ProcessInfo config=1:ProcessConfig pid=2:uint32 tag=3:string
ListResponse processes=1:ProcessInfo*
StartRequest process=1:ProcessConfig pty=2:PTY tag=3:string stdin=4:bool
UpdateRequest process=1:ProcessSelector pty=2:PTY
StartEvent pid=1:uint32
DataEvent stdout=1:bytes| stderr=2:bytes| pty=3:bytes|
EndEvent exit_code=1:sint32 exited=2:bool status=3:string error=4:string
ProcessEvent start=1:StartEvent| data=2:DataEvent| end=3:EndEvent| keepalive=4:Empty|
EventResponse event=1:ProcessEvent
SendInputRequest process=1:ProcessSelector input=2:ProcessInput
InputStart process=1:ProcessSelector
InputData input=2:ProcessInput
StreamInputRequest start=1:InputStart| data=2:InputData| keepalive=3:Empty|
SendSignalRequest process=1:ProcessSelector signal=2:Signal
SelectRequest process=1:ProcessSelector`);

const RESPONSE_EVENT = 1;
const EVENT_START = 1;
const EVENT_KEEPALIVE = 4;

/** A response of Start or Connect in a codec. */
export function eventFrame(response: MessageWriter, isJson: boolean): Frame {
  return Frame.of(response, processSchema.type("EventResponse"), isJson);
}

/** The first event of every stream. */
export function startResponse(pid: number): MessageWriter {
  const writer = new MessageWriter();
  const response = writer.open(RESPONSE_EVENT);
  const event = writer.open(EVENT_START);
  writer.uint32(1, pid);
  writer.close(event);
  writer.close(response);
  return writer;
}

/** What says that a silent stream is alive. */
export function keepaliveFrame(isJson: boolean): Frame {
  const writer = new MessageWriter();
  const response = writer.open(RESPONSE_EVENT);
  writer.close(writer.open(EVENT_KEEPALIVE));
  writer.close(response);
  return eventFrame(writer, isJson);
}
