-- Going over the elements of a SUPER array, and with UNPIVOT over the attributes of an object:
-- https://docs.aws.amazon.com/redshift/latest/dg/query-super.html

CREATE TABLE t (id INT, doc SUPER);
--> done

INSERT INTO t
SELECT 1, JSON_PARSE('{"stops":[{"n":"a","tags":["x","y"]},{"n":"b"}]}') UNION ALL
SELECT 2, JSON_PARSE('{"stops":[]}') UNION ALL
SELECT 3, JSON_PARSE('{"other":1}');
--> done

SELECT t.id, s.n::VARCHAR AS n FROM t, t.doc.stops AS s ORDER BY 1, 2;
--> 1 | a
--> 1 | b

SELECT t.id, s.n::VARCHAR AS n, i FROM t, t.doc.stops AS s AT i ORDER BY 1, 3;
--> 1 | a | 0
--> 1 | b | 1

SELECT t.id, s.n::VARCHAR AS n, g::VARCHAR AS tag FROM t, t.doc.stops s, s.tags g ORDER BY 1, 2, 3;
--> 1 | a | x
--> 1 | a | y

SELECT g::VARCHAR AS tag FROM t, t.doc.stops[0].tags AS g ORDER BY 1;
--> x
--> y

-- An outer join keeps the rows without elements, as in the same guide for nested external data:
-- https://docs.aws.amazon.com/redshift/latest/dg/tutorial-query-nested-data-sqlextensions.html
SELECT t.id, s.n::VARCHAR AS n, i FROM t LEFT JOIN t.doc.stops AS s AT i ON TRUE ORDER BY 1, 3;
--> 1 | a | 0
--> 1 | b | 1
--> 2 | NULL | NULL
--> 3 | NULL | NULL

SELECT t.id, s.n::VARCHAR AS n, g::VARCHAR AS tag FROM t LEFT JOIN t.doc.stops s ON TRUE LEFT JOIN s.tags g ON TRUE ORDER BY 1, 2, 3;
--> 1 | a | x
--> 1 | a | y
--> 1 | b | NULL
--> 2 | NULL | NULL
--> 3 | NULL | NULL

-- In a subquery, over the array of a row of the query around.
SELECT t.id, (SELECT COUNT(*) FROM t.doc.stops AS s) AS n FROM t ORDER BY 1;
--> 1 | 2
--> 2 | 0
--> 3 | 0

SELECT t.id FROM t WHERE EXISTS (SELECT 1 FROM t.doc.stops s WHERE s.n = 'b');
--> 1

SELECT t.id, value, name FROM t, UNPIVOT t.doc AS value AT name ORDER BY 1;
--> 1 | [{"n":"a","tags":["x","y"]},{"n":"b"}] | stops
--> 2 | [] | stops
--> 3 | 1 | other

-- What JSON_PARSE gives needs a name: navigation begins at a column or an alias.
CREATE TABLE texts (id INT, txt VARCHAR(1000));
--> done

INSERT INTO texts VALUES (1, '{"a":[1,2,3]}');
--> done

SELECT r.id, x FROM (SELECT id, JSON_PARSE(txt) AS j FROM texts) r, r.j.a x ORDER BY 2;
--> 1 | 1
--> 1 | 2
--> 1 | 3

WITH p AS (SELECT id, JSON_PARSE(txt) AS j FROM texts) SELECT p.id, x::INT + 1 AS y FROM p, p.j.a AS x ORDER BY 2;
--> 1 | 2
--> 1 | 3
--> 1 | 4

SELECT x, y FROM (SELECT JSON_PARSE('[[1,2],[3]]') AS j) r, r.j AS x, x AS y ORDER BY 2;
--> [1,2] | 1
--> [1,2] | 2
--> [3] | 3

SELECT r.id, x FROM texts r, JSON_PARSE(r.txt).a x;
--> error: syntax error at or near "."

-- In views.
CREATE VIEW stops AS SELECT t.id, i AS position, s.n::VARCHAR(10) AS n FROM t, t.doc.stops AS s AT i;
--> done

SELECT * FROM stops ORDER BY 1, 2;
--> 1 | 0 | a
--> 1 | 1 | b

CREATE VIEW all_stops AS SELECT t.id, s.n::VARCHAR(10) AS n FROM t LEFT JOIN t.doc.stops AS s ON TRUE;
--> done

SELECT * FROM all_stops ORDER BY 1, 2;
--> 1 | a
--> 1 | b
--> 2 | NULL
--> 3 | NULL

CREATE VIEW parsed AS SELECT r.id, x::INT AS x FROM (SELECT id, JSON_PARSE(txt) AS j FROM texts) r, r.j.a x;
--> done

SELECT * FROM parsed ORDER BY 2;
--> 1 | 1
--> 1 | 2
--> 1 | 3
