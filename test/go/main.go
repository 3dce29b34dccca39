// The calls that Wrenn's host makes, by connectrpc.com's client for Go as that host has it: binary, HTTP/1.1 on kept
// connections, gzip offered. It prints a line of JSON for each case: its name, and the reason of its failure or nothing.
//
// Usage: go run . URL DESCRIPTORS, which is the file of a google.protobuf.FileDescriptorSet.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

type message = dynamicpb.Message

// host has the clients of all methods, made as they are called.
type host struct {
	url   string
	files *protoregistry.Files
}

func (h *host) client(service, method string) *connect.Client[message, message] {
	described, err := h.files.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		panic(err)
	}
	initialize := connect.WithResponseInitializer(func(spec connect.Spec, response any) error {
		*response.(*message) = *dynamicpb.NewMessage(spec.Schema.(protoreflect.MethodDescriptor).Output())
		return nil
	})
	schema := connect.WithSchema(described)
	return connect.NewClient[message, message](http.DefaultClient, h.url+"/"+service+"/"+method, initialize, schema)
}

// request is a message whose fields are written as JSON.
func (h *host) request(service, method, text string) *connect.Request[message] {
	name := protoreflect.FullName(strings.Split(service, ".")[0] + "." + method + "Request")
	described, err := h.files.FindDescriptorByName(name)
	if err != nil {
		panic(err)
	}
	out := dynamicpb.NewMessage(described.(protoreflect.MessageDescriptor))
	if err := unmarshal(text, out); err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return connect.NewRequest(out)
}

func (h *host) call(method, text string) (map[string]any, error) {
	service := "process.Process"
	if _, err := h.files.FindDescriptorByName(protoreflect.FullName(service + "." + method)); err != nil {
		service = "filesystem.Filesystem"
	}
	response, err := h.client(service, method).CallUnary(context.Background(), h.request(service, method, text))
	if err != nil {
		return nil, err
	}
	return fields(response.Msg)
}

// stream is what is told of a process.
type stream struct {
	*connect.ServerStreamForClient[message]
	pid    float64
	output map[string]string
	end    map[string]any
}

func (h *host) open(ctx context.Context, method, text string) (*stream, error) {
	opened, err := h.client("process.Process", method).CallServerStream(ctx, h.request("process.Process", method, text))
	if err != nil {
		return nil, err
	}
	s := &stream{ServerStreamForClient: opened, output: map[string]string{}}
	if _, err := s.next(); err != nil {
		return nil, err
	}
	if s.pid == 0 {
		return nil, errors.New("no start")
	}
	return s, nil
}

// next takes an event. It returns false at the end of the stream.
func (s *stream) next() (bool, error) {
	if !s.Receive() {
		return false, s.Err()
	}
	told, err := fields(s.Msg())
	if err != nil {
		return false, err
	}
	event, _ := told["event"].(map[string]any)
	if start, ok := event["start"].(map[string]any); ok {
		s.pid, _ = start["pid"].(float64)
	}
	if data, ok := event["data"].(map[string]any); ok {
		for kind, bytes := range data {
			text, err := decode(bytes)
			if err != nil {
				return false, err
			}
			s.output[kind] += text
		}
	}
	if end, ok := event["end"].(map[string]any); ok {
		s.end = end
	}
	return true, nil
}

// until reads until an output has a text in it.
func (s *stream) until(kind, text string) error {
	for !strings.Contains(s.output[kind], text) {
		if more, err := s.next(); err != nil || !more {
			return fmt.Errorf("ended before %q, after %q: %v", text, s.output[kind], err)
		}
	}
	return nil
}

// rest reads to the end, which has to be told.
func (s *stream) rest() error {
	for {
		more, err := s.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if s.end == nil {
		return errors.New("no end")
	}
	return s.Close()
}

func load(path string) (*protoregistry.Files, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(bytes, set); err != nil {
		return nil, err
	}
	return protodesc.NewFiles(set)
}

func main() {
	files, err := load(os.Args[2])
	if err != nil {
		panic(err)
	}
	h := &host{url: os.Args[1], files: files}
	for _, each := range cases {
		reason := ""
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		if err := each.run(ctx, h); err != nil {
			reason = err.Error()
		}
		cancel()
		line, _ := json.Marshal([]string{each.name, reason})
		fmt.Println(string(line))
	}
}
