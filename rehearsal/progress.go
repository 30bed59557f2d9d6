package rehearsal

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Watch prints what an operation does as its events arrive: a line for each
// resource that changes, and each warning and error. Unless it is nil, seen gets
// each event too. Give the channel to one operation as its event stream, and call
// done when that has returned.
//
// The channel is closed at the end of an operation, unless the CLI ended before
// it could send anything; done therefore does not wait for that.
func Watch(w io.Writer, seen func(apitype.EngineEvent)) (channel chan events.EngineEvent, done func()) {
	channel = make(chan events.EngineEvent, 64)
	returned := make(chan struct{})
	handle := func(event events.EngineEvent) {
		if line := describe(event.EngineEvent); line != "" {
			fmt.Fprintln(w, line)
		}
		if seen != nil {
			seen(event.EngineEvent)
		}
	}
	var handled sync.WaitGroup
	handled.Go(func() {
		for {
			select {
			case event, open := <-channel:
				if !open {
					return
				}
				handle(event)
			case <-returned:
				for len(channel) > 0 {
					handle(<-channel)
				}
				return
			}
		}
	})
	return channel, func() {
		close(returned)
		handled.Wait()
	}
}

// describe is the line for an event, or nothing for one that people need not
// see.
func describe(event apitype.EngineEvent) string {
	switch {
	case event.ResOutputsEvent != nil && !event.ResOutputsEvent.Planning:
		return describeStep(event.ResOutputsEvent.Metadata)
	case event.ResourcePreEvent != nil && event.ResourcePreEvent.Planning:
		return describeStep(event.ResourcePreEvent.Metadata)
	case event.DiagnosticEvent != nil && !event.DiagnosticEvent.Ephemeral:
		switch event.DiagnosticEvent.Severity {
		case "warning", "error", "info#err":
			text := strings.TrimSpace(event.DiagnosticEvent.Message)
			return "      " + strings.ReplaceAll(text, "\n", "\n      ")
		}
	}
	return ""
}

func describeStep(step apitype.StepEventMetadata) string {
	if step.Op == apitype.OpSame || step.Op == apitype.OpRead || strings.HasPrefix(step.Type, "pulumi:") {
		return ""
	}
	line := fmt.Sprintf("  %-8s %-28s %s", step.Op, ShortType(step.Type), resource.URN(step.URN).Name())
	if len(step.Diffs) > 0 {
		line += " (" + strings.Join(step.Diffs, ", ") + ")"
	}
	return line
}

// ShortType makes kinesis.Stream of aws:kinesis/stream:Stream.
func ShortType(token string) string {
	parts := strings.Split(token, ":")
	module, _, _ := strings.Cut(parts[1], "/")
	return module + "." + parts[len(parts)-1]
}
