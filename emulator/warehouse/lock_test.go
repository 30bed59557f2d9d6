package warehouse_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestLock: LOCK waits for the transaction that has the table, and the transaction that
// waited sees what that one wrote.
func TestLock(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER)", "CREATE TABLE u (n INTEGER)", "BEGIN", "LOCK t, u", "LOCK TABLE t", "INSERT INTO t VALUES (1)")
	other := f.connect()
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, statement := range []string{"BEGIN", "LOCK TABLE public.u"} {
		_, err := other.Execute(short, statement)
		if waits := strings.HasPrefix(statement, "LOCK"); waits != errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s gives %v while another transaction has the table", statement, err)
		}
	}
	got := make(chan string)
	go func() {
		for _, statement := range []string{"ROLLBACK", "BEGIN", "LOCK TABLE t", "SELECT COUNT(*) FROM t"} {
			res, err := other.Execute(t.Context(), statement)
			if err != nil {
				got <- err.Error()
				return
			}
			if len(res.Rows) > 0 {
				got <- lines(res)[0]
			}
		}
	}()
	f.exec("COMMIT")
	if n := <-got; n != "1" {
		t.Errorf("the transaction that waited sees %s rows, want the one that was written meanwhile", n)
	}
	f.exec("BEGIN")
	f.fails("LOCK TABLE nowhere", `relation "nowhere" does not exist`)
}
