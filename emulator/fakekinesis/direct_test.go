package fakekinesis_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
)

func TestSettingsAreKeptAndChanged(t *testing.T) {
	c := newClock()
	s := fakekinesis.New(fakekinesis.WithClock(c.Now), fakekinesis.WithStateDelay(time.Minute),
		fakekinesis.WithRegion("eu-west-1"), fakekinesis.WithAccount("210987654321"))
	settings := fakekinesis.StreamSettings{Name: "ev", Mode: fakekinesis.Provisioned, Shards: 2, RetentionHours: 48,
		KMSKey: "alias/aws/kinesis", MaxRecordKiB: 2048, Tags: map[string]string{"a": "b"}}
	want := fakekinesis.Stream{StreamSettings: settings, ARN: "arn:aws:kinesis:eu-west-1:210987654321:stream/ev",
		Status: fakekinesis.Creating, CreatedAt: c.Now()}
	check := func(got fakekinesis.Stream, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stream differs (-want +got):\n%s", diff)
		}
	}
	check(s.CreateStream(settings))
	_, err := s.UpdateStream(settings)
	wantCode(t, err, "ResourceInUseException")
	c.Advance(time.Minute)
	want.Status = fakekinesis.Active
	check(s.Stream("ev"))
	check(s.UpdateStream(settings)) // nothing to do

	settings.RetentionHours, settings.Tags = 24, map[string]string{"c": "d"}
	want.RetentionHours, want.Tags = 24, map[string]string{"c": "d"}
	check(s.UpdateStream(settings)) // done at once

	settings.Shards, settings.KMSKey, settings.MaxRecordKiB = 4, "", 0
	want.Status = fakekinesis.Updating
	check(s.UpdateStream(settings))
	c.Advance(time.Minute)
	want.Status, want.Shards, want.KMSKey, want.MaxRecordKiB = fakekinesis.Active, 4, "", 1024
	check(s.Stream("ev"))

	settings.Mode, settings.Shards = fakekinesis.OnDemand, 0
	want.Status = fakekinesis.Updating
	check(s.UpdateStream(settings))
	c.Advance(time.Minute)
	want.Status, want.Mode = fakekinesis.Active, fakekinesis.OnDemand
	check(s.Stream("ev"))

	settings.Tags, want.Tags = map[string]string{}, map[string]string{} // none any more
	check(s.UpdateStream(settings))

	if err := s.DeleteStream("ev"); err != nil {
		t.Fatal(err)
	}
	if got := s.Streams(); len(got) != 1 || got[0].Status != fakekinesis.Deleting {
		t.Errorf("streams are %v, want one, DELETING", got)
	}
	c.Advance(time.Minute)
	if got := s.Streams(); len(got) != 0 {
		t.Errorf("streams %v are left", got)
	}
	wantCode(t, s.DeleteStream("ev"), "ResourceNotFoundException")
}

func TestDirectDoorRefuses(t *testing.T) {
	s := fakekinesis.New()
	provisioned(t, s, "ev", 2)
	ok := fakekinesis.StreamSettings{Name: "new", Shards: 1}
	with := func(change func(*fakekinesis.StreamSettings)) error {
		settings := ok
		change(&settings)
		_, err := s.CreateStream(settings)
		return err
	}
	update := func(settings fakekinesis.StreamSettings) error {
		_, err := s.UpdateStream(settings)
		return err
	}
	put := func(stream, key string, size int) error {
		_, err := s.Put(stream, key, make([]byte, size))
		return err
	}
	read := func(stream, shard, after string, max int) error {
		_, err := s.ReadAfter(stream, shard, after, max)
		return err
	}
	_, listErr := s.ShardIDs("none")
	for _, c := range []struct {
		name string
		err  error
		code string
	}{
		{"name", with(func(w *fakekinesis.StreamSettings) { w.Name = "a b" }), "ValidationException"},
		{"no name", with(func(w *fakekinesis.StreamSettings) { w.Name = "" }), "ValidationException"},
		{"mode", with(func(w *fakekinesis.StreamSettings) { w.Mode = "ELASTIC" }), "ValidationException"},
		{"no shards", with(func(w *fakekinesis.StreamSettings) { w.Shards = 0 }), "InvalidArgumentException"},
		{"shards on demand", with(func(w *fakekinesis.StreamSettings) { w.Mode = fakekinesis.OnDemand }), "InvalidArgumentException"},
		{"retention", with(func(w *fakekinesis.StreamSettings) { w.RetentionHours = 12 }), "InvalidArgumentException"},
		{"key", with(func(w *fakekinesis.StreamSettings) { w.KMSKey = "key" }), "InvalidArgumentException"},
		{"record size", with(func(w *fakekinesis.StreamSettings) { w.MaxRecordKiB = 20000 }), "ValidationException"},
		{"tag", with(func(w *fakekinesis.StreamSettings) { w.Tags = map[string]string{"aws:a": ""} }), "InvalidArgumentException"},
		{"name in use", with(func(w *fakekinesis.StreamSettings) { w.Name = "ev" }), "ResourceInUseException"},
		{"update of none", update(ok), "ResourceNotFoundException"},
		{"more than double the shards", update(fakekinesis.StreamSettings{Name: "ev", Shards: 5}), "InvalidArgumentException"},
		{"put to none", put("none", "k", 1), "ResourceNotFoundException"},
		{"put without key", put("ev", "", 1), "ValidationException"},
		{"put too much", put("ev", "k", 1<<20), "InvalidArgumentException"},
		{"list of none", listErr, "ResourceNotFoundException"},
		{"read of none", read("none", shard0, "", 1), "ResourceNotFoundException"},
		{"read of no shard", read("ev", "shardId-9", "", 1), "ResourceNotFoundException"},
		{"read after nonsense", read("ev", shard0, "123", 1), "InvalidArgumentException"},
		{"read of nothing", read("ev", shard0, "", 0), "InvalidArgumentException"},
	} {
		t.Run(c.name, func(t *testing.T) { wantCode(t, c.err, c.code) })
	}
	if st, err := s.Stream("ev"); err != nil || st.Shards != 2 || st.Status != fakekinesis.Active {
		t.Errorf("the refused update left %+v (%v)", st, err)
	}
}

// TestReadAfterWalksTheStream reads as a consumer does that remembers its last sequence
// number per shard, through a rescaling and writers at work.
func TestReadAfterWalksTheStream(t *testing.T) {
	s := fakekinesis.New()
	provisioned(t, s, "ev", 2)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 500 {
				if _, err := s.Put("ev", fmt.Sprintf("%d-%d", w, i), []byte(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if _, err := s.UpdateStream(fakekinesis.StreamSettings{Name: "ev", Shards: 3}); err != nil {
		t.Fatal(err)
	}
	writers.Wait()

	ids, err := s.ShardIDs("ev")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, id := range ids {
		for after := ""; ; {
			records, err := s.ReadAfter("ev", id, after, 7)
			if err != nil {
				t.Fatal(err)
			}
			if len(records) == 0 {
				break
			}
			for _, r := range records {
				if r.ShardID != id || after != "" && r.SequenceNumber <= after {
					t.Errorf("record %s of %s came after %s of %s", r.SequenceNumber, r.ShardID, after, id)
				}
				if _, twice := seen[r.PartitionKey]; twice {
					t.Errorf("record %s came twice", r.PartitionKey)
				}
				seen[r.PartitionKey], after = string(r.Data), r.SequenceNumber
			}
		}
	}
	if len(seen) != 2000 {
		t.Errorf("read %d records, want 2000", len(seen))
	}
	if seen["3-499"] != "499" {
		t.Errorf("record 3-499 holds %q, want %q", seen["3-499"], "499")
	}
}

// TestReadAfterWhatIsGone: a consumer that slept longer than the retention goes on with
// the oldest record there is.
func TestReadAfterWhatIsGone(t *testing.T) {
	c := newClock()
	s := fakekinesis.New(fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	old := put(t, s, "old", "older")[0]
	c.Advance(25 * time.Hour)
	put(t, s, "new")
	got, err := s.ReadAfter("ev", shard0, old.SequenceNumber, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].PartitionKey != "new" || !got[0].ArrivedAt.Equal(c.Now()) {
		t.Errorf("got %v, want the one new record", got)
	}
}

// TestClockStepsBack: arrival times within a shard never fall, whatever the clock does.
func TestClockStepsBack(t *testing.T) {
	c := newClock()
	s := fakekinesis.New(fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	first := put(t, s, "a")[0]
	c.Advance(-time.Minute)
	second := put(t, s, "b")[0]
	if second.ArrivedAt.Before(first.ArrivedAt) || second.SequenceNumber <= first.SequenceNumber {
		t.Errorf("b arrived %v with %s, a %v with %s", second.ArrivedAt, second.SequenceNumber, first.ArrivedAt, first.SequenceNumber)
	}
}
