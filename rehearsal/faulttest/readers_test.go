package faulttest

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestMissingReader: a first deployment whose readers the database does not have yet
// ends well, with its outputs, and says what to do; done, the reader can read.
func TestMissingReader(t *testing.T) {
	t.Parallel()
	s := start(t, "readers", `["group:analysts"]`)
	printed, err := s.up()
	if err != nil {
		t.Fatalf("pulumi up: %v\n%s", err, printed)
	}
	const create, again = `CREATE GROUP "analysts";`, "pulumi up --replace '**::schema'"
	// After the resources, where a terminal has it too.
	_, end, _ := strings.Cut(printed, "Diagnostics:")
	for _, want := range []string{"warning: the database does not have all the readers", create, again, "applied 00001_"} {
		if !strings.Contains(end, want) {
			t.Errorf("pulumi up does not end with %q:\n%s", want, printed)
		}
	}
	outputs, err := s.pulumi.Outputs(t.Context())
	if err != nil || outputs["workgroupName"].Value == nil {
		t.Errorf("outputs %v, error %v", outputs, err)
	}
	s.unchanged()

	if _, err := s.StandIns.Warehouse.Query(t.Context(), stacktest.Workgroup, create); err != nil {
		t.Fatal(err)
	}
	printed, err = s.up(optup.Replace([]string{"**::schema"}))
	if err != nil {
		t.Fatalf("%s: %v\n%s", again, err, printed)
	}
	_, end, _ = strings.Cut(printed, "Diagnostics:")
	if strings.Contains(end, "warning:") || !strings.Contains(end, "readers granted: group:analysts; ") || !strings.Contains(end, "+-1 replaced") {
		t.Errorf("%s:\n%s", again, printed)
	}
	s.unchanged()
	s.mustDestroy()
}
