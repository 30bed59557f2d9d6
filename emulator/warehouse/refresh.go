package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An externalSchema gives a namespace's SQL the streams of a region, by a role.
type externalSchema struct {
	name, region, role string
}

func (s *Session) externalSchema(ctx context.Context, name string) (e externalSchema, found bool, err error) {
	e.name = name
	found, err = s.row(ctx, "SELECT region, role FROM rs.external_schemas WHERE name = $1", []any{name}, &e.region, &e.role)
	return e, found, err
}

// createExternalSchema is CREATE EXTERNAL SCHEMA [IF NOT EXISTS] name FROM KINESIS
// [REGION 'region'] IAM_ROLE {default | 'arn'}.
func (s *Session) createExternalSchema(ctx context.Context, c *cursor) error {
	ifNotExists := c.accept("if", "not", "exists")
	e := externalSchema{name: c.name(), region: s.w.o.Region}
	c.expect("from")
	if c.err == nil && !c.accept("kinesis") {
		c.refuse("CREATE EXTERNAL SCHEMA from anything but KINESIS")
	}
	if c.accept("region") {
		e.region = c.literal()
	}
	c.expect("iam_role")
	if c.accept("default") {
		if e.role = s.w.defaultRole(s.namespace); e.role == "" {
			c.fail(errorf("Default IAM role is not set for the namespace"))
		}
	} else {
		e.role = c.literal()
	}
	if err := c.end(); err != nil {
		return err
	}
	if strings.Contains(e.role, ",") {
		return unsupported("a chain of roles")
	}
	if parts := strings.SplitN(e.role, ":", 6); len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") {
		return errorf("Invalid IAM_ROLE %q: it is not the ARN of a role", e.role)
	}
	if e.region != s.w.o.Region {
		return unsupported("a stream in another region, %s", e.region)
	}
	exists, err := s.schemaExists(ctx, e.name)
	if err != nil || exists && ifNotExists {
		return err
	}
	if exists {
		return errorf("schema %q already exists", e.name)
	}
	if err := s.w.role(s.namespace, e.role, "", ""); err != nil {
		return err
	}
	if err := s.mustBeSuperuser("create external schemas"); err != nil {
		return err
	}
	if _, err := s.exec(ctx, "INSERT INTO rs.external_schemas VALUES ($1, $2, $3)", e.name, e.region, e.role); err != nil {
		return err
	}
	return s.own(ctx, relation{Schema: e.name})
}

func (w *Warehouse) defaultRole(namespaceName string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.namespaces[namespaceName].DefaultRole
}

// streamActions are what the streaming role must be allowed on the stream:
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-getting-started.html
var streamActions = []string{"kinesis:DescribeStreamSummary", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards", "kinesis:DescribeStream"}

// openStream checks that a role may read a stream and that there is one, and lists its
// shards.
func (w *Warehouse) openStream(namespaceName, role, stream string) ([]string, error) {
	if err := w.role(namespaceName, role, "kinesis:ListStreams", "*"); err != nil {
		return nil, err
	}
	arn := fmt.Sprintf("arn:aws:kinesis:%s:%s:stream/%s", w.o.Region, w.o.Account, stream)
	for _, action := range streamActions {
		if err := w.role(namespaceName, role, action, arn); err != nil {
			return nil, err
		}
	}
	if w.o.Streams == nil {
		return nil, errorf("Kinesis stream %q not found", stream)
	}
	shards, err := w.o.Streams.ShardIDs(stream)
	if err != nil {
		return nil, errorf("Kinesis stream %q not found: %v", stream, err)
	}
	return shards, nil
}

// refreshStatement is REFRESH MATERIALIZED VIEW name [RESTRICT].
func (s *Session) refreshStatement(ctx context.Context, c *cursor) (*Result, error) {
	rel := c.relation()
	c.accept("restrict")
	if c.peek("cascade") {
		c.refuse("REFRESH MATERIALIZED VIEW CASCADE")
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	mv, err := s.materializedView(ctx, rel)
	if err != nil {
		return nil, err
	}
	// The owner alone, so not even another superuser:
	// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-refresh-sql-command.html
	if owner, err := s.owner(ctx, rel); err != nil || owner != s.user {
		if err == nil {
			err = errorf("must be owner of materialized view %s", rel.Name)
		}
		return nil, err
	}
	return done, s.refresh(ctx, mv, "Manual")
}

// refresh brings a view up to date and records in the history what became of it.
func (s *Session) refresh(ctx context.Context, mv materializedView, kind string) error {
	s.data.changing.Lock()
	defer s.data.changing.Unlock()
	start := s.w.o.Clock().UTC()
	onStream, err := s.readsStream(ctx, mv)
	if err != nil {
		return err
	}
	var sc *scan
	err = asError(s.atomically(ctx, func() error {
		n, err := s.exec(ctx, "UPDATE rs.materialized_views SET refreshes = refreshes + 1 WHERE mv_id = $1", mv.id)
		if err == nil && n == 0 {
			err = errorf("materialized view %q does not exist", mv.Name) // any more
		}
		if err != nil {
			return err
		}
		if mv.stream == "" {
			return s.execAll(ctx, []string{"DELETE FROM " + mv.String(), "INSERT INTO " + mv.String() + " " + mv.query})
		}
		sc, err = s.consume(ctx, mv, start, kind)
		return err
	}))
	switch {
	case err != nil && ctx.Err() != nil: // cancelled
		return ctx.Err()
	case err == nil && sc != nil && sc.rows+sc.skipped == 0 && kind == "Auto":
		return nil // an automatic refresh runs when there is something
	}
	end := s.w.o.Clock().UTC()
	// By another connection, because a failed refresh takes its own transaction back.
	_, historyErr := s.data.db.ExecContext(context.WithoutCancel(ctx), "INSERT INTO rs.refresh_history VALUES (100, 1, nextval('rs.ids'), $1, $2, $3, $4, $5, $6, $7, $8, $9)",
		s.data.name, mv.Schema, mv.id, mv.Name, kind, refreshStatus(sc, onStream, err), start, end, end.Sub(start).Microseconds())
	if err == nil && historyErr != nil {
		err = fmt.Errorf("record the refresh of %s: %w", mv, historyErr)
	}
	return err
}

// refreshStatus is what the history says of a refresh: of a view over a stream by its scan,
// of one over views on a stream if onStream, or of one that failed.
// https://docs.aws.amazon.com/redshift/latest/dg/SYS_MV_REFRESH_HISTORY.html
func refreshStatus(sc *scan, onStream bool, err error) string {
	const incrementally = "Refresh successfully updated MV incrementally"
	switch {
	case err != nil:
		return "Refresh failed. " + strings.TrimPrefix(err.Error(), "ERROR: ")
	case onStream:
		// github.com/ClickHouse/CostBench has seen nothing else of such a view, as more records
		// may have come: full-path-realtime/quotes/redshift-serverless/sql/observability.sql
		return incrementally + ", but MV depends on an MV that is not up to date."
	case sc == nil:
		return "Refresh successfully recomputed MV from scratch"
	case sc.rows == 0 && sc.skipped == 0:
		return incrementally + ". Stream returned no new data."
	case sc.rows == 0:
		return incrementally + ". All records received from the stream were skipped."
	case sc.skipped > 0:
		return incrementally + ". Some stream records were skipped."
	}
	return incrementally
}

// readsStream says whether a view is over a streaming view, or over a view that is.
func (s *Session) readsStream(ctx context.Context, mv materializedView) (bool, error) {
	if mv.stream != "" {
		return false, nil
	}
	return s.exists(ctx, `
		WITH RECURSIVE below(schema_name, name) AS (
			SELECT $1, $2
			UNION SELECT d.on_schema, d.on_name FROM rs.dependencies d JOIN below b ON d.schema_name = b.schema_name AND d.name = b.name
		)
		SELECT m.name FROM below b JOIN rs.materialized_views m ON m.schema_name = b.schema_name AND m.name = b.name WHERE m.stream IS NOT NULL`, mv.Schema, mv.Name)
}

// consume runs a streaming view's query over the records that it hasn't taken yet, and
// keeps the new positions with them: each record is taken exactly once, or the refresh
// fails as a whole.
func (s *Session) consume(ctx context.Context, mv materializedView, start time.Time, kind string) (*scan, error) {
	e, ok, err := s.externalSchema(ctx, mv.externalSchema)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errorf("schema %q does not exist", mv.externalSchema)
	}
	// A setting of the session that made the view does not reach its automatic refreshes.
	if kind == "Auto" && strings.ToLower(mv.stream) != mv.stream && !s.w.workgroupSettings(s.workgroup).CaseSensitiveIdentifiers {
		return nil, errorf("Kinesis stream %q not found: automatic refresh of a stream with upper case in its name needs enable_case_sensitive_identifier in the workgroup's parameters", strings.ToLower(mv.stream))
	}
	shards, err := s.w.openStream(s.namespace, e.role, mv.stream)
	if err != nil {
		return nil, err
	}
	positions, err := s.positions(ctx, mv)
	if err != nil {
		return nil, err
	}
	sc := &scan{streams: s.w.o.Streams, stream: mv.stream, maxBytes: s.w.o.MaxRecordBytes, start: start}
	for _, shard := range shards {
		sc.shards = append(sc.shards, &shardScan{id: shard, position: positions[shard]})
	}
	name := s.data.begin(sc)
	defer s.data.finish(name)
	if _, err := s.exec(ctx, "INSERT INTO "+mv.String()+" "+strings.ReplaceAll(mv.query, quoteText(scanPlaceholder), quoteText(name))); err != nil {
		return nil, err
	}
	return sc, s.keep(ctx, mv, sc)
}

// positions gives how far a streaming view has read, by shard.
func (s *Session) positions(ctx context.Context, mv materializedView) (map[string]string, error) {
	positions := make(map[string]string)
	err := s.eachRow(ctx, "SELECT shard_id, sequence_number FROM rs.positions WHERE mv_id = $1", []any{mv.id}, func(scan func(...any) error) error {
		var shard, position string
		err := scan(&shard, &position)
		positions[shard] = position
		return err
	})
	return positions, err
}

// keep writes down how far a scan came and what it left out.
func (s *Session) keep(ctx context.Context, mv materializedView, sc *scan) error {
	now := s.w.o.Clock().UTC()
	for _, sh := range sc.shards {
		if sh.rows+sh.skipped == 0 {
			continue
		}
		if _, err := s.exec(ctx, "DELETE FROM rs.positions WHERE mv_id = $1 AND shard_id = $2", mv.id, sh.id); err != nil {
			return err
		}
		if _, err := s.exec(ctx, "INSERT INTO rs.positions VALUES ($1, $2, $3)", mv.id, sh.id, sh.position); err != nil {
			return err
		}
		_, err := s.exec(ctx, "INSERT INTO rs.scan_states VALUES ($1, $2, $3, nextval('rs.ids'), nextval('rs.ids'), $4, $5, $6, $7, $8, $9, $10, $11)",
			mv.externalSchema, mv.stream, mv.Name, now, sh.id, sh.position, sh.rows, sh.skipped, sh.bytes, sh.oldest, sh.newest)
		if err != nil {
			return err
		}
	}
	for _, r := range sc.oversized {
		_, err := s.exec(ctx, "INSERT INTO rs.scan_errors VALUES ($1, $2, $3, nextval('rs.ids'), nextval('rs.ids'), 'A', $4, $5, $6, $7, 1000, $8)",
			mv.externalSchema, mv.stream, mv.Name, r.ArrivedAt.UTC(), now, r.ShardID, r.SequenceNumber,
			fmt.Sprintf("The record is longer than %d bytes and was skipped.", sc.maxBytes))
		if err != nil {
			return err
		}
	}
	return nil
}

// AutoRefresh does once what Redshift does in the background: it refreshes each
// materialized view that has AUTO REFRESH YES, in every namespace whose workgroup is
// available. Failures are in the refresh history and are returned as well; the next call
// meets them again, as long as their cause lasts.
func (w *Warehouse) AutoRefresh(ctx context.Context) error {
	w.mu.Lock()
	var names []string
	for _, wg := range w.workgroups {
		if !w.o.Clock().Before(wg.ReadyAt) {
			names = append(names, wg.Name)
		}
	}
	w.mu.Unlock()
	slices.Sort(names)
	var errs []error
	for _, name := range names {
		errs = append(errs, w.autoRefresh(ctx, name))
	}
	return errors.Join(errs...)
}

func (w *Warehouse) autoRefresh(ctx context.Context, workgroupName string) error {
	w.mu.Lock()
	wg := w.workgroups[workgroupName]
	if wg == nil { // deleted meanwhile
		w.mu.Unlock()
		return nil
	}
	s, err := w.sessionOf(ctx, w.namespaces[wg.Namespace], wg, "")
	w.mu.Unlock()
	if err != nil {
		return err
	}
	defer s.Close()
	views, err := s.relations(ctx, "SELECT schema_name, name FROM rs.materialized_views WHERE auto_refresh ORDER BY mv_id")
	if err != nil {
		return err
	}
	var errs []error
	for _, rel := range views {
		mv, err := s.materializedView(ctx, rel)
		if err == nil {
			err = s.refresh(ctx, mv, "Auto")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("refresh %s automatically: %w", rel, err))
		}
	}
	return errors.Join(errs...)
}

// RunAutoRefresh calls [Warehouse.AutoRefresh] at every interval of the real clock until
// ctx ends. What fails is in the refresh history.
func (w *Warehouse) RunAutoRefresh(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = w.AutoRefresh(ctx)
		}
	}
}
