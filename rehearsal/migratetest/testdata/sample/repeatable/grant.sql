-- What readers may do.
GRANT USAGE ON SCHEMA public TO ${READER};
GRANT SELECT ON records TO ${READER};
GRANT SELECT ON readings TO ${READER};
