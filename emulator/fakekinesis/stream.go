package fakekinesis

import (
	"cmp"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Modes and states of a stream, as the service spells them.
const (
	Provisioned = "PROVISIONED"
	OnDemand    = "ON_DEMAND"

	Creating = "CREATING"
	Active   = "ACTIVE"
	Updating = "UPDATING"
	Deleting = "DELETING"
)

// Quotas of an account, us-east-1, and limits of the API reference.
const (
	accountShards         = 20000
	accountOnDemand       = 50
	creatingAtOnce        = 5
	streamShards          = 10000
	onDemandShards        = 4 // what an on-demand stream starts with
	minRetentionHours     = 24
	maxRetentionHours     = 8760
	minRecordKiB          = 1024 // also the default
	maxRecordKiB          = 10240
	modeChangesPerDay     = 2
	shardUpdatesPerDay    = 10
	iteratorLife          = 5 * time.Minute
	tokenLife             = 5 * time.Minute
	maxRequestBytes       = 10 << 20
	maxGetRecords         = 10000
	maxGetBytes           = 10 << 20
	shardWriteRecords     = 1000 // a second
	shardWriteBytes       = 1 << 20
	shardReadCalls        = 5
	shardReadBytes        = 2 << 20
	streamTags            = 50
	maxPutRecords         = 500
	maxDataBytes          = 10 << 20
	defaultDescribeShards = 100
	defaultListShards     = 1000
	defaultListStreams    = 100
)

// A stream is guarded by Server.mu.
type stream struct {
	name, arn     string
	dir           string // of its records
	serial        uint64 // tells it from an earlier stream of the same name
	mode          string
	created       time.Time
	retention     int // hours
	kmsKey        string
	maxRecord     int // bytes of partition key and data
	tags          map[string]string
	modeChanges   []time.Time
	shardUpdates  []time.Time
	accepted      int64
	acceptedBytes int64
	refused       int64

	status  string
	settles time.Time         // when a status other than ACTIVE ends
	pending []func(time.Time) // what an update then does

	shards  []*shard // by number; those closed longer than the retention are gone
	routes  []*shard // the open ones, by hash key
	numbers int      // shards ever made
}

// settle brings every stream to its state at the present time, which it returns.
func (s *Server) settle() time.Time {
	now := s.now().UTC().Truncate(time.Millisecond)
	for name, st := range s.streams {
		if st.status != Active && !now.Before(st.settles) {
			if st.status == Deleting {
				delete(s.streams, name)
				continue
			}
			for _, change := range st.pending {
				change(st.settles)
			}
			st.status, st.pending = Active, nil
		}
	}
	return now
}

// trim drops what is older than the stream's retention.
func (st *stream) trim(now time.Time) {
	horizon := now.Add(-time.Duration(st.retention) * time.Hour)
	kept := st.shards[:0]
	for _, sh := range st.shards {
		sh.log.forget(horizon.UnixMilli())
		if sh.open() || !sh.closed.Before(horizon) {
			kept = append(kept, sh)
		}
	}
	clear(st.shards[len(kept):])
	st.shards = kept
}

func (st *stream) become(status string, now time.Time, delay time.Duration, changes ...func(time.Time)) {
	st.status, st.settles, st.pending = status, now.Add(delay), changes
}

// find returns a stream in any state.
func (s *Server) find(name string, now time.Time) (*stream, error) {
	st := s.streams[name]
	if st == nil {
		return nil, s.streamNotFound(name)
	}
	st.trim(now)
	return st, nil
}

// findActive returns a stream that may be changed.
func (s *Server) findActive(name string, now time.Time) (*stream, error) {
	st, err := s.find(name, now)
	if err != nil {
		return nil, err
	}
	if st.status != Active {
		return nil, errorf("ResourceInUseException", "Stream %s under account %s not ACTIVE, instead in state %s",
			name, s.account, st.status)
	}
	return st, nil
}

// findReadable returns a stream that has data: while CREATING it has no shards yet,
// and while DELETING the service answers as if it were gone.
func (s *Server) findReadable(name string, now time.Time) (*stream, error) {
	st, err := s.find(name, now)
	if err != nil {
		return nil, err
	}
	if st.status == Creating || st.status == Deleting {
		return nil, s.streamNotFound(name)
	}
	return st, nil
}

// theShardID is a shard's id as the service writes it: what counts of one that a request
// names is the number at its end.
func (s *Server) theShardID(stream, id string) (string, error) {
	n, err := strconv.ParseUint(id[strings.LastIndexByte(id, '-')+1:], 10, 31)
	if err != nil {
		return "", s.noSuchShard(stream, id)
	}
	return shardID(int(n)), nil
}

func (s *Server) noSuchShard(stream, id string) *Error {
	return notFound("Could not find shard %s in stream %s under account %s.", id, stream, s.account)
}

func (st *stream) shard(id string) *shard {
	i := sort.Search(len(st.shards), func(i int) bool { return st.shards[i].id >= id })
	if i < len(st.shards) && st.shards[i].id == id {
		return st.shards[i]
	}
	return nil
}

// route returns the open shard that a hash key falls into.
func (st *stream) route(k hashKey) *shard {
	i := sort.Search(len(st.routes), func(i int) bool { return k.less(st.routes[i].start) })
	return st.routes[i-1] // the first starts at zero
}

// addShard makes a shard of a range that no open shard covers.
func (st *stream) addShard(start, end hashKey, now time.Time, parents ...*shard) {
	birth := max(now.UnixMilli(), 1)
	for _, p := range parents {
		birth = max(birth, p.birth+1)
	}
	sh := newShard(st.numbers, start, end, now, birth, st.dir)
	if len(parents) > 0 {
		sh.parent = parents[0].id
	}
	if len(parents) > 1 {
		sh.adjacent = parents[1].id
	}
	st.numbers++
	st.shards = append(st.shards, sh)
	i := sort.Search(len(st.routes), func(i int) bool { return start.less(st.routes[i].start) })
	st.routes = append(st.routes, nil)
	copy(st.routes[i+1:], st.routes[i:])
	st.routes[i] = sh
}

func (st *stream) closeShard(sh *shard, now time.Time) {
	sh.closed = now
	for i, r := range st.routes {
		if r == sh {
			st.routes = append(st.routes[:i], st.routes[i+1:]...)
			return
		}
	}
}

// split closes a shard and opens two, the second starting at the key.
func (st *stream) split(sh *shard, at hashKey, now time.Time) {
	st.closeShard(sh, now)
	st.addShard(sh.start, at.previous(), now, sh)
	st.addShard(at, sh.end, now, sh)
}

// merge closes two neighbours, a below b, and opens one.
func (st *stream) merge(a, b *shard, now time.Time) {
	st.closeShard(a, now)
	st.closeShard(b, now)
	st.addShard(a.start, b.end, now, a, b)
}

// rescale gives a stream n shards of even size, by splits and merges. As in the
// service this can leave shards that lived for no time.
func (st *stream) rescale(n int, now time.Time) {
	starts := evenStarts(n)
	for _, at := range starts {
		if sh := st.route(at); sh.start != at {
			st.split(sh, at, now)
		}
	}
	for _, at := range starts {
		for {
			sh := st.route(at)
			if sh.end == maxHashKey {
				break
			}
			next := st.route(sh.end.next())
			if i := sort.Search(n, func(i int) bool { return !starts[i].less(next.start) }); i < n && starts[i] == next.start {
				break
			}
			st.merge(sh, next, now)
		}
	}
}

// children lists the shards made from sh.
func (st *stream) children(sh *shard) []*shard {
	var found []*shard
	for _, c := range st.shards {
		if c.parent == sh.id || c.adjacent == sh.id {
			found = append(found, c)
		}
	}
	return found
}

// A streamRef names a stream in a request, by name or ARN.
type streamRef struct {
	StreamName *string
	StreamARN  *string
}

func (r streamRef) given() bool { return r.StreamName != nil || r.StreamARN != nil }

func (r streamRef) stream() string {
	if r.StreamName != nil {
		return *r.StreamName
	}
	if r.StreamARN != nil {
		_, name, _ := strings.Cut(*r.StreamARN, ":stream/")
		return name
	}
	return ""
}

// resolve returns the stream's name once it is certain that it is one of this account
// and region.
func (s *Server) resolve(r streamRef) (string, error) {
	name := r.stream()
	switch {
	case !r.given():
		return "", invalidArgument("Either StreamName or StreamARN must be provided.")
	case r.StreamARN == nil:
		return name, nil
	case r.StreamName != nil && !strings.HasSuffix(*r.StreamARN, ":stream/"+name):
		return "", invalidArgument("StreamName %s and StreamARN %s are not of the same stream.", name, *r.StreamARN)
	case *r.StreamARN != s.arn(name):
		return "", notFound("Stream %s not found.", *r.StreamARN)
	}
	return name, nil
}

// resolveAny returns the stream of a request in any state, resolveActive one that may be
// changed.
func (s *Server) resolveAny(r streamRef, now time.Time) (*stream, error) {
	name, err := s.resolve(r)
	if err != nil {
		return nil, err
	}
	return s.find(name, now)
}

func (s *Server) resolveActive(r streamRef, now time.Time) (*stream, error) {
	name, err := s.resolve(r)
	if err != nil {
		return nil, err
	}
	return s.findActive(name, now)
}

func (s *Server) arn(name string) string {
	return fmt.Sprintf("arn:aws:kinesis:%s:%s:stream/%s", s.region, s.account, name)
}

// The following check one wish each against the stream's present state and return what
// carries it out, for requests and for the methods of Server.

func (s *Server) create(want StreamSettings, now time.Time) (*stream, error) {
	if s.streams[want.Name] != nil {
		return nil, errorf("ResourceInUseException", "Stream %s under account %s already exists.", want.Name, s.account)
	}
	shards := want.Shards
	if want.Mode == OnDemand {
		if shards != 0 {
			return nil, invalidArgument("ShardCount is not allowed for a stream in ON_DEMAND mode.")
		}
		shards = onDemandShards
		if err := s.onDemandRoom(); err != nil {
			return nil, err
		}
	} else if shards < 1 {
		return nil, invalidArgument("ShardCount must be provided in PROVISIONED mode and be at least 1.")
	}
	if err := s.shardRoom(shards); err != nil {
		return nil, err
	}
	creating := 0
	for _, st := range s.streams {
		if st.status == Creating {
			creating++
		}
	}
	if creating >= creatingAtOnce {
		return nil, limitExceeded("Account %s already has %d streams in state CREATING.", s.account, creating)
	}
	if err := checkTags(want.Name, s.account, nil, want.Tags); err != nil {
		return nil, err
	}
	s.serial++
	st := &stream{
		name: want.Name, arn: s.arn(want.Name), dir: s.dir, serial: s.serial,
		mode: want.Mode, created: now,
		retention: minRetentionHours, maxRecord: minRecordKiB << 10,
		tags: map[string]string{},
	}
	for k, v := range want.Tags {
		st.tags[k] = v
	}
	if want.MaxRecordKiB != 0 {
		st.maxRecord = want.MaxRecordKiB << 10
	}
	starts := evenStarts(shards)
	for i, start := range starts {
		end := maxHashKey
		if i+1 < shards {
			end = starts[i+1].previous()
		}
		st.addShard(start, end, now)
	}
	s.streams[want.Name] = st
	st.become(Creating, now, s.stateDelay)
	return st, nil
}

func (s *Server) onDemandRoom() error {
	n := s.countOnDemand()
	if n >= accountOnDemand {
		return limitExceeded("Account %s already has %d streams in ON_DEMAND mode.", s.account, n)
	}
	return nil
}

func (s *Server) countOnDemand() (n int) {
	for _, st := range s.streams {
		if st.mode == OnDemand {
			n++
		}
	}
	return n
}

func (s *Server) countOpenShards() (n int) {
	for _, st := range s.streams {
		n += len(st.routes)
	}
	return n
}

func (s *Server) shardRoom(more int) error {
	if n := s.countOpenShards(); n+more > accountShards {
		return limitExceeded("This request would exceed the shard limit for the account %s in %s. "+
			"Current shard count for the account: %d. Limit: %d. "+
			"Number of additional shards that would have resulted from this request: %d.",
			s.account, s.region, n, accountShards, more)
	}
	return nil
}

// recent counts the times within the day that ends now.
func recent(times []time.Time, now time.Time) (n int) {
	for _, t := range times {
		if now.Sub(t) < 24*time.Hour {
			n++
		}
	}
	return n
}

func (s *Server) changeMode(st *stream, mode string, now time.Time) (func(time.Time), error) {
	if mode == st.mode {
		return nil, errorf("ValidationException", "Stream %s under account %s is already in %s mode.", st.name, s.account, mode)
	}
	if n := recent(st.modeChanges, now); n >= modeChangesPerDay {
		return nil, limitExceeded("Stream %s under account %s has changed its mode %d times within 24 hours.", st.name, s.account, n)
	}
	if mode == OnDemand {
		if err := s.onDemandRoom(); err != nil {
			return nil, err
		}
	}
	return func(at time.Time) {
		st.mode = mode
		st.modeChanges = append(st.modeChanges, at)
	}, nil
}

func (s *Server) onDemandRefuses(st *stream, operation string) error {
	return errorf("ValidationException", "%s is not possible for stream %s under account %s in ON_DEMAND mode.",
		operation, st.name, s.account)
}

func (s *Server) changeShards(st *stream, n int, now time.Time) (func(time.Time), error) {
	open := len(st.routes)
	switch {
	case n > 2*open:
		return nil, invalidArgument("UpdateShardCount cannot scale up over double your current open shard count. "+
			"Current open shard count: %d Target shard count: %d", open, n)
	case 2*n < open:
		return nil, invalidArgument("UpdateShardCount cannot scale down below half your current open shard count. "+
			"Current open shard count: %d Target shard count: %d", open, n)
	case n > streamShards:
		return nil, invalidArgument("UpdateShardCount cannot scale a stream beyond %d shards.", streamShards)
	}
	if err := s.shardRoom(n - open); err != nil {
		return nil, err
	}
	if done := recent(st.shardUpdates, now); done >= shardUpdatesPerDay {
		return nil, limitExceeded("Stream %s under account %s has scaled %d times within 24 hours.", st.name, s.account, done)
	}
	return func(at time.Time) {
		st.shardUpdates = append(st.shardUpdates, at)
		st.rescale(n, at)
	}, nil
}

func checkRetention(hours int) error {
	if hours < minRetentionHours {
		return invalidArgument("Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.",
			minRetentionHours, hours)
	}
	if hours > maxRetentionHours {
		return invalidArgument("Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.",
			maxRetentionHours, hours)
	}
	return nil
}

var (
	kmsKeyPattern = regexp.MustCompile(`^(arn:aws[\w-]*:kms:[\w-]+:\d{12}:(key/.+|alias/.+)|alias/.+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)
	tagPattern    = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

func checkKMSKey(id string) error {
	if !kmsKeyPattern.MatchString(id) {
		return invalidArgument("KeyId %q is none of: a key id, a key ARN, an alias (alias/aws/kinesis), an alias ARN.", id)
	}
	return nil
}

// checkTags checks tags to be put beside those that a stream has.
func checkTags(stream, account string, has, more map[string]string) error {
	total := len(has)
	for k, v := range more {
		if strings.HasPrefix(k, "aws:") {
			return invalidArgument("Tag %q of stream %s under account %s: keys must not start with aws:", k, stream, account)
		}
		if err := cmp.Or(checkTagText("add tags to", stream, account, k), checkTagText("add tags to", stream, account, v)); err != nil {
			return err
		}
		if _, ok := has[k]; !ok {
			total++
		}
	}
	if total > streamTags {
		return invalidArgument("Failed to add tags to stream %s under account %s because a stream cannot have more than %d tags.",
			stream, account, streamTags)
	}
	return nil
}

// checkTagText refuses the characters that a tag can't have, in the words of the two
// places where the service looks.
func checkTagText(doing, stream, account, text string) error {
	switch {
	case tagPattern.MatchString(text):
		return nil
	case tagPattern.MatchString(strings.ReplaceAll(text, "%", "")):
		return invalidArgument("Failed to %s stream %s under account %s because some tags contained illegal characters. "+
			"The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.", doing, stream, account)
	}
	return invalidArgument("Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - %% @.")
}
