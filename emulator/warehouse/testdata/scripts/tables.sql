-- Tables, schemas and what the catalog shows of them.

CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER IDENTITY(1,1) NOT NULL ENCODE az64,
    version BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR(8) DEFAULT 'x' ENCODE lzo,
    code CHAR(2),
    at TIMESTAMP DEFAULT GETDATE(),
    doc SUPER,
    UNIQUE (name)
) DISTSTYLE ALL SORTKEY (version);
--> done

CREATE TABLE IF NOT EXISTS ledger (other INTEGER);
--> done

CREATE TABLE ledger (other INTEGER);
--> error: relation "ledger" already exists

INSERT INTO ledger (version, name) VALUES (7, 'seven'), (7, 'seven');
--> done

SELECT id, version, name, code, at, doc FROM ledger ORDER BY id;
--> 1 | 7 | seven | NULL | 2026-03-01 12:00:00 | NULL
--> 2 | 7 | seven | NULL | 2026-03-01 12:00:00 | NULL

INSERT INTO ledger (version, name) VALUES (8, 'too long!');
--> error: value too long for type character varying(8)

INSERT INTO ledger (version, name) VALUES (8, 'ééééé');
--> error: value too long for type character varying(8)

INSERT INTO ledger (name) VALUES ('x');
--> error: null value in column "version" violates not-null constraint

INSERT INTO ledger (id, version) VALUES (1, 1);
--> error: cannot set an identity column to a value

UPDATE ledger SET name = UPPER(name), at = DATEADD(hour, 1, at) WHERE id = 1 AND version = '7';
--> done

DELETE FROM ledger WHERE id = 2;
--> done

SELECT name, at FROM ledger;
--> SEVEN | 2026-03-01 13:00:00

SELECT table_schema, table_type FROM svv_tables WHERE table_name = 'ledger';
--> public | BASE TABLE

SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public';
--> 1

SELECT data_type FROM svv_columns WHERE table_name = 'ledger' ORDER BY ordinal_position;
--> integer
--> bigint
--> character varying
--> character varying
--> timestamp without time zone
--> super

CREATE TABLE copy AS SELECT version, name FROM ledger;
--> done

DROP TABLE ledger, copy;
--> done

SELECT COUNT(*) FROM svv_tables;
--> 0

CREATE SCHEMA other;
--> done

CREATE TABLE other.t (n INTEGER);
--> done

INSERT INTO other.t VALUES (1);
--> done

SELECT n FROM other.t;
--> 1

DROP SCHEMA other;
--> error: cannot drop schema other because other objects depend on it: t

DROP SCHEMA other CASCADE;
--> done

SELECT n FROM other.t;
--> error: Table with name "other.t" does not exist because schema "other" does not exist.
