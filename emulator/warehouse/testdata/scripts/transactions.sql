-- Transactions: one that failed waits for its end, and others see nothing of an open one.

CREATE TABLE t (n INTEGER);
--> done

BEGIN;
--> done

INSERT INTO t VALUES (1);
--> done

CREATE VIEW v AS SELECT n FROM t;
--> done

SELECT nothing FROM t;
--> error: column "nothing" does not exist

SELECT 1;
--> error: current transaction is aborted, commands ignored until end of transaction block

COMMIT;
--> done

SELECT COUNT(*) FROM t;
--> 0

SELECT * FROM v;
--> error: relation "v" does not exist

BEGIN;
--> done

INSERT INTO t VALUES (1);
--> done

--: as admin
SELECT COUNT(*) FROM t;
--> 0

COMMIT;
--> done

SELECT COUNT(*) FROM t;
--> 1
