package rehearsal_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestStateWithoutComponents: resources that stand in the state outside of the
// components, as pulumi import leaves them, are taken in as they are.
func TestStateWithoutComponents(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	opts := rehearsal.StackOptions{}
	d.MustUp(opts)
	stack := d.Stack(opts)
	exported, err := stack.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`evstream:infra:\w+\$`).ReplaceAllString(string(exported.Deployment), "")
	var state apitype.DeploymentV3
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		t.Fatal(err)
	}
	isComponent := func(r apitype.ResourceV3) bool { return strings.HasPrefix(string(r.Type), "evstream:infra:") }
	moved := 0
	for i, r := range state.Resources {
		if r.Parent != "" && strings.HasPrefix(string(r.Parent.Type()), "evstream:infra:") {
			state.Resources[i].Parent = state.Resources[0].URN // the stack's
			moved++
		}
	}
	state.Resources = slices.DeleteFunc(state.Resources, isComponent)
	if exported.Deployment, err = json.Marshal(state); err != nil || moved < 8 {
		t.Fatalf("%d resources were moved, %v", moved, err)
	}
	if err := stack.Import(t.Context(), exported); err != nil {
		t.Fatal(err)
	}
	if got, err := up(d, opts); err != nil || len(got.changes) > 0 {
		t.Errorf("up ends with %v and makes the changes %q, want none", err, got.changes)
	}
	d.Unchanged(opts)
	d.MustDestroy(opts)
}
