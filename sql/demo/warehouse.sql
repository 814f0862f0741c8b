-- The demo's warehouse, as a team that serves three models might keep it. Monitoring only reads it.

-- flight_delay: one row per scheduled departure, written at that moment.
CREATE TABLE flight_delay_predictions (
    flight_id                  VARCHAR     NOT NULL,    -- date-carrier-flight-origin, unique
    predicted_at               TIMESTAMPTZ NOT NULL,    -- scheduled departure
    model_version              VARCHAR     NOT NULL,    -- version in MLflow's registry
    carrier                    VARCHAR,
    origin                     VARCHAR,
    destination                VARCHAR,
    weekday                    VARCHAR,                 -- Mon to Sun, in New York
    scheduled_departure_minute INTEGER,                 -- minutes after midnight, in New York
    distance_miles             INTEGER,
    plane_age_years            INTEGER,
    seats                      INTEGER,
    temperature_fahrenheit     DOUBLE,
    dew_point_fahrenheit       DOUBLE,
    humidity_percent           DOUBLE,
    wind_speed_mph             DOUBLE,
    precipitation_inches       DOUBLE,
    pressure_millibars         DOUBLE,
    visibility_miles           DOUBLE,
    score                      DOUBLE      NOT NULL,    -- probability of arriving more than 15 minutes late
    predicted_late             BOOLEAN     NOT NULL
);

-- arrival_delay: one row per departure, written at that moment; a cancelled flight has none.
CREATE TABLE arrival_delay_predictions (
    flight_id                  VARCHAR     NOT NULL,
    predicted_at               TIMESTAMPTZ NOT NULL,    -- actual departure
    model_version              VARCHAR     NOT NULL,
    carrier                    VARCHAR,
    origin                     VARCHAR,
    destination                VARCHAR,
    weekday                    VARCHAR,
    scheduled_departure_minute INTEGER,
    distance_miles             INTEGER,
    plane_age_years            INTEGER,
    seats                      INTEGER,
    temperature_fahrenheit     DOUBLE,
    dew_point_fahrenheit       DOUBLE,
    humidity_percent           DOUBLE,
    wind_speed_mph             DOUBLE,
    precipitation_inches       DOUBLE,
    pressure_millibars         DOUBLE,
    visibility_miles           DOUBLE,
    departure_delay_minutes    INTEGER,
    predicted_minutes          DOUBLE      NOT NULL     -- minutes of delay at arrival; early is negative
);

-- flight_outcome: one row per scheduled departure, written at that moment.
CREATE TABLE flight_outcome_predictions (
    flight_id                  VARCHAR     NOT NULL,
    predicted_at               TIMESTAMPTZ NOT NULL,    -- scheduled departure
    model_version              VARCHAR     NOT NULL,
    carrier                    VARCHAR,
    origin                     VARCHAR,
    destination                VARCHAR,
    weekday                    VARCHAR,
    scheduled_departure_minute INTEGER,
    distance_miles             INTEGER,
    temperature_fahrenheit     DOUBLE,
    dew_point_fahrenheit       DOUBLE,
    humidity_percent           DOUBLE,
    wind_speed_mph             DOUBLE,
    precipitation_inches       DOUBLE,
    pressure_millibars         DOUBLE,
    visibility_miles           DOUBLE,
    probability_on_time        DOUBLE      NOT NULL,    -- of arriving at most 15 minutes late
    probability_late           DOUBLE      NOT NULL,    -- of 16 to 60 minutes
    probability_very_late      DOUBLE      NOT NULL,    -- of more than 60 minutes
    probability_cancelled      DOUBLE      NOT NULL,    -- of never leaving; the four sum to 1
    predicted_outcome          VARCHAR     NOT NULL     -- the class most above its usual share
);

-- The truth about the first two, one row per flight that reached its destination.
CREATE TABLE flight_labels (
    flight_id             VARCHAR     NOT NULL,
    late                  BOOLEAN     NOT NULL, -- more than 15 minutes late
    arrival_delay_minutes INTEGER     NOT NULL,
    arrived_at            TIMESTAMPTZ NOT NULL  -- when the truth became known
);

-- The truth about the third, one row per flight that reached its destination or was cancelled.
CREATE TABLE flight_outcomes (
    flight_id VARCHAR     NOT NULL,
    outcome   VARCHAR     NOT NULL, -- on_time, late, very_late, cancelled
    known_at  TIMESTAMPTZ NOT NULL  -- arrival, or scheduled departure if cancelled
);

-- Hash of the sources of the tables above. If the sources still have it, the demo does not build the tables again.
CREATE TABLE seeded_from (
    fingerprint VARCHAR NOT NULL
);
