/** The messages of the file-system service; envd-rpc.md 1.3. Those of one form are one type. */
import { Schema } from "../../connect/schema.ts";

export const filesystemSchema = new Schema(`FileType FILE_TYPE_UNSPECIFIED=0 FILE_TYPE_FILE=1 FILE_TYPE_DIRECTORY=2 FILE_TYPE_SYMLINK=3
EventType EVENT_TYPE_UNSPECIFIED=0 EVENT_TYPE_CREATE=1 EVENT_TYPE_WRITE=2 EVENT_TYPE_REMOVE=3 EVENT_TYPE_RENAME=4 EVENT_TYPE_CHMOD=5
Empty
PathRequest path=1:string
MoveRequest source=1:string destination=2:string
ListDirRequest path=1:string depth=2:uint32
WatchRequest path=1:string recursive=2:bool include_entry=3:bool allow_network_mounts=4:bool
WatcherId watcher_id=1:string
EntryInfo name=1:string type=2:FileType path=3:string size=4:int64 mode=5:uint32 permissions=6:string owner=7:string group=8:string modified_time=9:timestamp symlink_target=10:string metadata=11:map
EntryResponse entry=1:EntryInfo
ListDirResponse entries=1:EntryInfo*
FilesystemEvent name=1:string type=2:EventType entry=3:EntryInfo
WatchDirResponse start=1:Empty| filesystem=2:FilesystemEvent| keepalive=3:Empty|
EventsResponse events=1:FilesystemEvent*`);

export const enum FileType {
  UNSPECIFIED,
  FILE,
  DIRECTORY,
}

export const enum EventType {
  NONE,
  CREATE,
  WRITE,
  REMOVE,
  RENAME,
  CHMOD,
}
