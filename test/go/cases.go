package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func unmarshal(text string, out proto.Message) error { return protojson.Unmarshal([]byte(text), out) }

// fields is a message as JSON has it.
func fields(from proto.Message) (map[string]any, error) {
	text, err := protojson.Marshal(from)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	return out, json.Unmarshal(text, &out)
}

func decode(value any) (string, error) {
	text, _ := value.(string)
	bytes, err := base64.StdEncoding.DecodeString(text)
	return string(bytes), err
}

func input(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func expect(what string, got, wanted any) error {
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		return fmt.Errorf("%s: %v, not %v", what, got, wanted)
	}
	return nil
}

func all(errs ...error) error { return errors.Join(errs...) }

func shell(script string) string {
	text, _ := json.Marshal(script)
	return `"process":{"cmd":"/bin/sh","args":["-c",` + string(text) + `]}`
}

// cases are what that host does, by the names of its own functions.
var cases = []struct {
	name string
	run  func(context.Context, *host) error
}{
	{"Exec: outputs and the code", func(ctx context.Context, h *host) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		s, err := h.open(ctx, "Start", `{`+shell("seq 100000; echo err >&2; exit 7")+`}`)
		if err != nil {
			return err
		}
		err = s.rest()
		return all(err, expect("output", len(s.output["stdout"]), 588895), expect("errors", s.output["stderr"], "err\n"),
			expect("code", s.end["exitCode"], 7), expect("status", s.end["status"], "exit status 7"))
	}},
	{"Exec: its deadline kills the command", func(ctx context.Context, h *host) error {
		late, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		s, err := h.open(late, "Start", `{`+shell("exec sleep 1000")+`,"tag":"late"}`)
		if err != nil {
			return err
		}
		if err := expect("code", connect.CodeOf(s.rest()), connect.CodeDeadlineExceeded); err != nil {
			return err
		}
		// The process is not listed any more, at once or soon.
		for {
			listed, err := h.call("List", "{}")
			if err != nil || ctx.Err() != nil {
				return all(err, ctx.Err())
			}
			if !strings.Contains(fmt.Sprint(listed), "late") {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
	}},
	{"background: started, closed, met again by its tag, killed by it", func(ctx context.Context, h *host) error {
		closing, leave := context.WithCancel(ctx)
		s, err := h.open(closing, "Start", `{`+shell("cat")+`,"tag":"background"}`)
		if err != nil {
			leave()
			return err
		}
		leave()
		_ = s.Close()
		again, err := h.open(ctx, "Connect", `{"process":{"tag":"background"}}`)
		if err != nil {
			return err
		}
		_, err = h.call("SendInput", `{"process":{"tag":"background"},"input":{"stdin":"`+input("kept\n")+`"}}`)
		if err := all(err, expect("pid", again.pid, s.pid), again.until("stdout", "kept\n")); err != nil {
			return err
		}
		_, err = h.call("SendSignal", `{"process":{"tag":"background"},"signal":"SIGNAL_SIGKILL"}`)
		return all(err, again.rest(), expect("status", again.end["status"], "signal: killed"))
	}},
	{"a terminal: attached to, resized, ended", func(ctx context.Context, h *host) error {
		s, err := h.open(ctx, "Start", `{`+shell("read x; stty size; read x")+`,"pty":{"size":{"cols":80,"rows":24}},"tag":"terminal"}`)
		if err != nil {
			return err
		}
		attached, err := h.open(ctx, "Connect", `{"process":{"tag":"terminal"}}`)
		if err != nil {
			return err
		}
		_, resized := h.call("Update", `{"process":{"tag":"terminal"},"pty":{"size":{"cols":100,"rows":30}}}`)
		_, typed := h.call("SendInput", `{"process":{"tag":"terminal"},"input":{"pty":"`+input("x\n")+`"}}`)
		if err := all(resized, typed, attached.until("pty", "30 100\r\n")); err != nil {
			return err
		}
		_, err = h.call("SendSignal", `{"process":{"tag":"terminal"},"signal":"SIGNAL_SIGKILL"}`)
		return all(err, s.rest(), attached.rest(), expect("status", attached.end["status"], "signal: killed"))
	}},
	{"what is not there: the text that this host looks for", func(ctx context.Context, h *host) error {
		_, err := h.open(ctx, "Connect", `{"process":{"pid":999999}}`)
		_, other := h.call("SendSignal", `{"process":{"tag":"nobody"},"signal":"SIGNAL_SIGKILL"}`)
		for _, each := range []error{err, other} {
			if connect.CodeOf(each) != connect.CodeNotFound || !strings.Contains(fmt.Sprint(each), "not found") {
				return fmt.Errorf("%v", each)
			}
		}
		return nil
	}},
	{"ListDir, MakeDir, Remove", func(_ context.Context, h *host) error {
		made, err := h.call("MakeDir", `{"path":"/srv/go/a"}`)
		if err != nil {
			return err
		}
		entry, _ := made["entry"].(map[string]any)
		_, taken := h.call("MakeDir", `{"path":"/srv/go/a"}`)
		listed, listing := h.call("ListDir", `{"path":"/srv/go","depth":1}`)
		entries, _ := listed["entries"].([]any)
		_, removed := h.call("Remove", `{"path":"/srv/go"}`)
		_, gone := h.call("ListDir", `{"path":"/srv/go"}`)
		return all(listing, removed, expect("path", entry["path"], "/srv/go/a"), expect("type", entry["type"], "FILE_TYPE_DIRECTORY"),
			expect("taken", connect.CodeOf(taken), connect.CodeAlreadyExists), expect("entries", len(entries), 1),
			expect("gone", connect.CodeOf(gone), connect.CodeNotFound))
	}},
}
