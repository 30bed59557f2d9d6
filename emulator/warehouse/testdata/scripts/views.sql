-- Views and what depends on them.

CREATE TABLE t (n INTEGER);
--> done

CREATE VIEW v (m) AS SELECT n FROM t;
--> done

CREATE VIEW w AS SELECT m FROM v;
--> done

CREATE VIEW v AS SELECT 1;
--> error: relation "v" already exists

CREATE OR REPLACE VIEW v (m) AS SELECT n + 1 FROM t;
--> done

CREATE OR REPLACE VIEW v AS SELECT n FROM t;
--> error: cannot change the columns of view "v": CREATE OR REPLACE VIEW must keep their names and types

INSERT INTO t VALUES (1);
--> done

SELECT m FROM w;
--> 2

DROP TABLE t;
--> error: cannot drop table t because other objects depend on it: v

DROP VIEW v;
--> error: cannot drop view v because other objects depend on it: w

DROP TABLE v;
--> error: "v" is not a table

DROP VIEW t;
--> error: "t" is not a view

DROP MATERIALIZED VIEW IF EXISTS v;
--> error: "v" is not a materialized view

DROP VIEW IF EXISTS nothing;
--> done

DROP TABLE t CASCADE;
--> done

SELECT m FROM w;
--> error: relation "w" does not exist

INSERT INTO nothing VALUES (1);
--> error: relation "nothing" does not exist
