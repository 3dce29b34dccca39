/** The media type of a file: by its name, or by its first bytes. */
import { encodeText } from "../sys/bytes.ts";
import { lowerText } from "./ascii.ts";

/**
 * A line for each type, with the extensions that have it after it: what Go 1.26 knows by itself, and of Debian's
 * /etc/mime.types what is common in a sandbox. Where the two differ it is Go's, but for webm.
 */
const TYPES = `
application/epub+zip epub
application/gzip gz
application/java-archive jar
application/json json map
application/ld+json jsonld
application/manifest+json webmanifest
application/msword doc
application/octet-stream bin com exe
application/pdf pdf
application/postscript ai eps ps
application/rdf+xml rdf
application/rtf rtf
application/sql sql
application/vnd.android.package-archive apk
application/vnd.debian.binary-package deb
application/vnd.ms-excel xls
application/vnd.ms-fontobject eot
application/vnd.ms-powerpoint ppt
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.text odt
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.rar rar
application/wasm wasm
application/x-7z-compressed 7z
application/x-gtar-compressed tgz
application/x-iso9660-image iso
application/x-sh sh
application/x-tar tar
application/x-xz xz
application/xhtml+xml xht xhtml
application/zip zip
application/zstd zst
audio/aac aac
audio/flac flac
audio/midi mid midi
audio/mp4 m4a
audio/mpeg mp3
audio/ogg oga ogg opus
audio/wav wav
font/otf otf
font/ttf ttf
font/woff woff
font/woff2 woff2
image/apng apng
image/avif avif
image/bmp bmp
image/gif gif
image/heic heic
image/jpeg jfif jpeg jpg pjp pjpeg
image/png png
image/svg+xml svg
image/tiff tif tiff
image/vnd.microsoft.icon ico
image/webp webp
image/x-xbitmap xbm
message/rfc822 eml
text/calendar ics
text/css css
text/csv csv
text/html ehtml htm html shtml
text/javascript js mjs
text/markdown markdown md
text/plain text txt
text/tab-separated-values tsv
text/vtt vtt
text/x-c++src c++ cc cpp cxx
text/x-chdr h
text/x-csrc c
text/x-diff diff patch
text/x-java java
text/x-perl pl
text/x-python py
text/xml xbl xml xsl
video/mp4 mp4
video/mpeg mpeg mpg
video/ogg ogv
video/quicktime mov
video/webm webm
video/x-matroska mkv
video/x-msvideo avi
`;

/** The media type that the extension of a path stands for, in either case; undefined where it has none that is known. */
export function typeByExtension(path: string): string | undefined {
  const dot = path.lastIndexOf(".");
  const bytes = encodeText(path.slice(dot + 1));
  const extension = lowerText(bytes, 0, bytes.length);
  if (dot < 0 || extension.includes(" ") || extension.includes("\n")) return undefined;
  const word = ` ${extension}`;
  for (let at = TYPES.indexOf(word); at >= 0; at = TYPES.indexOf(word, at + 1)) {
    const after = TYPES.charAt(at + word.length);
    if (after !== " " && after !== "\n") continue;
    const start = TYPES.lastIndexOf("\n", at) + 1;
    return withCharset(TYPES.slice(start, TYPES.indexOf(" ", start)));
  }
  return undefined;
}

/** The type with the character set that texts are taken to have. */
function withCharset(type: string): string {
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}
