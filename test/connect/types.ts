// Types with every kind of field.

import { Schema } from "../../connect/schema.ts";

export const schema = new Schema(
  [
    "Color COLOR_UNSPECIFIED=0 COLOR_RED=1 COLOR_DEEP_BLUE=9",
    "Nothing",
    "Leaf data=1:bytes is_set=2:bool",
    "Inner name=1:string count=2:uint32 leaf=3:Leaf",
    "All text=1:string raw_bytes=2:bytes is_on=3:bool count=4:uint32 exit_code=5:sint32 size=6:int64 modified_time=7:timestamp " +
      "labels=8:map color=9:Color inner=10:Inner args=11:string* inners=12:Inner* maybe=13:string nothing=14:Nothing far=2000:uint32",
    "Choice pid=1:uint32| tag=2:string| inner=3:Inner| blob=4:bytes| other=5:string",
    "Deep all=1:All choice=2:Choice choices=3:Choice*",
  ].join("\n"),
);
