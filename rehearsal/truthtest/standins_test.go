package truthtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"example.com/evstream/emulator"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/fakeredshift"
	"example.com/evstream/emulator/fakesecrets"
	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/provider"
)

// standIns are those that one fact needs, started when it first does. A stream takes a
// minute of their clock to change its state.
type standIns struct {
	*testing.T

	mu   sync.Mutex
	late time.Duration // how long the fact has waited

	services *emulator.Emulator
	session  *warehouse.Session
	engine   *provider.Client
	made     map[string]made
}

// made is a resource as the engine's state has it.
type made struct {
	urn           resource.URN
	id            resource.ID
	inputs, state resource.PropertyMap
}

func (s *standIns) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(s.late)
}

// must ends the test for an error of the test's own.
func (s *standIns) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// do makes one call.
func (s *standIns) do(name string, input any) (any, *failure) {
	s.Helper()
	verb, object, _ := strings.Cut(name, " ")
	switch verb {
	case "wait":
		d, err := time.ParseDuration(object)
		s.must(err)
		s.mu.Lock()
		s.late += d
		s.mu.Unlock()
		return nil, nil
	case "kinesis":
		return s.post("kinesis", "Kinesis_20131202."+object, input)
	case "redshift-data":
		s.theWarehouse()
		return s.post("redshift-data", "RedshiftData."+object, input)
	case "await": // a statement's end
		return s.await(input)
	case "redshift-serverless":
		s.theWarehouse()
		return s.post("redshift-serverless", "RedshiftServerless."+object, input)
	case "sql":
		return s.sql(input.(string))
	case "lookup":
		resp, err := s.theEngine().Invoke(s.Context(), plugin.InvokeRequest{Tok: tokens.ModuleMember(object), Args: properties(input)})
		if err != nil || len(resp.Failures) > 0 {
			return nil, refusal(err, resp.Failures)
		}
		return shown(resp.Properties), nil
	case "check", "create", "update", "read", "delete":
		return s.resource(verb, object, input)
	}
	s.Fatalf("there is no call %q", name)
	return nil, nil
}

// post sends a request around any SDK.
func (s *standIns) post(service, target string, input any) (any, *failure) {
	s.Helper()
	body, err := json.Marshal(input)
	s.must(err)
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.theEmulator().URL()+"/", strings.NewReader(string(body)))
	s.must(err)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20260301/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=any")
	resp, err := http.DefaultClient.Do(req)
	s.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	s.must(err)
	answer := map[string]any{}
	if len(text) > 0 {
		s.must(json.Unmarshal(text, &answer))
	}
	if resp.StatusCode == http.StatusOK {
		return answer, nil
	}
	f := &failure{}
	f.Code, _ = answer["__type"].(string)
	for _, key := range []string{"message", "Message"} {
		if message, ok := answer[key].(string); ok {
			f.Message = message
		}
	}
	return nil, f
}

// Secrets that the Data API reads.
const (
	adminSecret = "redshift/admin"
	emptySecret = "redshift/empty" // without the keys that the Data API wants
)

func (s *standIns) theEmulator() *emulator.Emulator {
	s.Helper()
	if s.services != nil {
		return s.services
	}
	var err error
	s.services, err = emulator.Start(s.Context(), emulator.Options{
		Clock: s.now, Dir: s.TempDir(), RefreshInterval: -1, Kinesis: []fakekinesis.Option{fakekinesis.WithStateDelay(time.Minute)},
	})
	s.must(err)
	s.Cleanup(func() { s.must(s.services.Close()) })
	return s.services
}

// theWarehouse is the emulator's, with a namespace, its workgroup and the secrets.
func (s *standIns) theWarehouse() *warehouse.Warehouse {
	s.Helper()
	w := s.theEmulator().Warehouse
	if w.Ready("ev-dev") == nil {
		return w
	}
	for name, value := range map[string]string{adminSecret: `{"username":"admin","password":"Secret1234"}`, emptySecret: `{}`} {
		s.services.Secrets.Put(fakesecrets.Secret{Name: name, Value: value})
	}
	s.must(s.services.Redshift.CreateNamespace(s.Context(), fakeredshift.Namespace{
		Name: "ev", ID: "00000000-0000-4000-8000-000000000001", AdminUser: "admin", AdminPassword: "Secret1234",
		IAMRoles: []string{"arn:aws:iam::123456789012:role/streaming"},
	}))
	s.must(s.services.Redshift.CreateWorkgroup(s.Context(), fakeredshift.Workgroup{Name: "ev-dev", Namespace: "ev"}))
	return w
}

// sql runs a statement in the one session of the fact.
func (s *standIns) sql(text string) (any, *failure) {
	s.Helper()
	if s.session == nil {
		var err error
		s.session, err = s.theWarehouse().Connect(s.Context(), "ev-dev", "dev", "admin", "Secret1234")
		s.must(err)
		s.Cleanup(func() { s.must(s.session.Close()) })
	}
	result, err := s.session.Execute(s.Context(), text)
	if err != nil {
		return nil, &failure{Message: err.Error()}
	}
	columns, rows := map[string]any{}, []any{}
	for _, c := range result.Columns {
		columns[c.Name] = c.Type.Name
	}
	for _, r := range result.Rows {
		row := []any{}
		for _, v := range r {
			if text, ok := v.(string); ok {
				v = strings.TrimRight(text, " ") // of CHAR columns
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	text2, err := json.Marshal(map[string]any{"columns": columns, "rows": rows})
	s.must(err)
	var answer any
	s.must(json.Unmarshal(text2, &answer))
	return answer, nil
}

// await describes a statement when it has ended.
func (s *standIns) await(input any) (any, *failure) {
	s.Helper()
	for {
		answer, failed := s.do("redshift-data DescribeStatement", input)
		if failed != nil {
			return nil, failed
		}
		switch answer.(map[string]any)["Status"] {
		case "FINISHED", "FAILED", "ABORTED":
			return answer, nil
		}
		time.Sleep(time.Millisecond)
	}
}

// theEngine is the engine's end of the aws provider, on an account with one VPC.
func (s *standIns) theEngine() *provider.Client {
	s.Helper()
	if s.engine != nil {
		return s.engine
	}
	vpc := fakeaws.VPC{ID: "vpc-1", Default: true, MainRouteTable: fakeaws.RouteTable{ID: "rtb-1"}}
	for i, zone := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
		vpc.Subnets = append(vpc.Subnets, fakeaws.Subnet{
			ID: fmt.Sprintf("subnet-%d", i+1), Zone: zone, CIDR: fmt.Sprintf("10.0.%d.0/24", i), FreeAddresses: 251,
		})
	}
	account, err := fakeaws.NewAccount(fakeaws.World{Now: s.now, VPCs: []fakeaws.VPC{vpc}})
	s.must(err)
	server, err := fakeaws.Start(account, fakeaws.Options{})
	s.must(err)
	s.Cleanup(server.Close)
	s.engine, err = provider.Dial(s.Context(), server.Port(), "aws", properties(map[string]any{"region": "us-east-1"}))
	s.must(err)
	s.Cleanup(func() { s.must(s.engine.Close()) })
	s.made = map[string]made{}
	return s.engine
}

// resource does what the engine does with a resource: "TYPE" or "TYPE NAME".
func (s *standIns) resource(verb, object string, input any) (any, *failure) {
	s.Helper()
	engine := s.theEngine()
	m, exists := s.made[object]
	kind, name, _ := strings.Cut(object, " ")
	if !exists {
		m.urn = resource.NewURN("dev", "ev", "", tokens.Type(kind), "x"+name)
	}
	if verb == "check" || verb == "create" || verb == "update" {
		checked, err := engine.Check(s.Context(), plugin.CheckRequest{URN: m.urn, Olds: m.inputs, News: properties(input), AllowUnknowns: true})
		if err != nil || len(checked.Failures) > 0 {
			return nil, refusal(err, checked.Failures)
		}
		if verb == "check" {
			return shown(checked.Properties), nil
		}
		old := m.inputs
		m.inputs = checked.Properties
		if verb == "create" {
			resp, err := engine.Create(s.Context(), plugin.CreateRequest{URN: m.urn, Properties: m.inputs, Timeout: 60})
			if err != nil {
				return nil, refusal(err, nil)
			}
			m.id, m.state = resp.ID, resp.Properties
		} else {
			resp, err := engine.Update(s.Context(), plugin.UpdateRequest{URN: m.urn, ID: m.id, OldInputs: old, OldOutputs: m.state, NewInputs: m.inputs})
			if err != nil {
				return nil, refusal(err, nil)
			}
			m.state = resp.Properties
		}
		s.made[object] = m
		answer := shown(m.state)
		answer["id"] = string(m.id)
		return answer, nil
	}
	if verb == "delete" {
		_, err := engine.Delete(s.Context(), plugin.DeleteRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, Outputs: m.state})
		return map[string]any{}, refusal(err, nil)
	}
	resp, err := engine.Read(s.Context(), plugin.ReadRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, State: m.state})
	if err != nil {
		return nil, refusal(err, nil)
	}
	return shown(resp.Outputs), nil
}

// refusal is what the provider said against a call, or AWS through it.
func refusal(err error, failures []plugin.CheckFailure) *failure {
	if err == nil && len(failures) == 0 {
		return nil
	}
	if err == nil {
		return &failure{Message: failures[0].Reason}
	}
	_, said, ok := strings.Cut(err.Error(), "RequestID: stand-in, ")
	code, message, _ := strings.Cut(strings.TrimSpace(said), ": ")
	if !ok {
		return &failure{Message: strings.TrimSpace(err.Error())}
	}
	return &failure{code, message}
}

// secrets are the inputs that the program must mark.
var secrets = []resource.PropertyKey{"adminUsername", "adminUserPassword", "secretString"}

func properties(input any) resource.PropertyMap {
	object, _ := input.(map[string]any)
	all := resource.NewPropertyMapFromMap(object)
	for _, key := range secrets {
		if v, ok := all[key]; ok {
			all[key] = resource.MakeSecret(v)
		}
	}
	return all
}

// shown is what properties hold, secrets too; what is unknown is as on the wire.
func shown(m resource.PropertyMap) map[string]any {
	var plain func(v resource.PropertyValue) any
	plain = func(v resource.PropertyValue) any {
		switch {
		case v.IsSecret():
			return plain(v.SecretValue().Element)
		case v.IsComputed():
			return plugin.UnknownStringValue
		case v.IsArray():
			list := []any{}
			for _, item := range v.ArrayValue() {
				list = append(list, plain(item))
			}
			return list
		case v.IsObject():
			object := map[string]any{}
			for key, item := range v.ObjectValue() {
				object[string(key)] = plain(item)
			}
			return object
		}
		return v.V
	}
	return plain(resource.NewProperty(m)).(map[string]any)
}
