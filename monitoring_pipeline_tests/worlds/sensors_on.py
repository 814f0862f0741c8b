"""The part of the daemon that evaluates sensors, with a simulated clock: what they request is run at once."""

from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType
from dagster._core.storage.tags import SCHEDULE_NAME_TAG, SENSOR_NAME_TAG

from monitoring_pipeline_tests.worlds.world import QUIET


@dataclass
class SensorsOn:
    """Sensors that are on, in an instance; ``requested`` has the tags of the runs that they requested.

    Like the daemon, it keeps cursors, and starts no second run for a run key of a sensor.
    """

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)
    keys: set[tuple[str, str | None]] = field(default_factory=set)
    requested: list[dict[str, str]] = field(default_factory=list)

    @cached_property
    def repository(self) -> dg.RepositoryDefinition:
        """The definitions as the daemon loads them."""
        return self.definitions.get_repository_def()

    def turn_on(self, *sensors: str) -> None:
        """Turn sensors on, as a person does in Dagster."""
        location = RegisteredCodeLocationOrigin("here")
        for name in sensors:
            origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
            state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)
            self.instance.add_instigator_state(state)
            self.cursors.setdefault(name, None)

    def requests(self, sensor: str) -> list[dg.RunRequest]:
        """Evaluate a sensor and keep its cursor."""
        definition = self.repository.get_sensor_def(sensor)
        resources = self.definitions.resources or {}
        with dg.build_sensor_context(
            instance=self.instance,
            repository_def=self.repository,
            resources={name: resources[name] for name in definition.required_resource_keys},
            cursor=self.cursors[sensor],
            sensor_name=sensor,
        ) as context:
            data = definition.evaluate_tick(context)
        self.cursors[sensor] = data.cursor
        return list(data.run_requests or [])

    def tick(self) -> list[dg.ExecuteInProcessResult]:
        """Evaluate every sensor, and run what it requests for the first time."""
        return [self._run(sensor, request) for sensor in self.cursors for request in self.requests(sensor)
                if (sensor, request.run_key) not in self.keys]  # fmt: skip

    def scheduled(self, job: str, schedule: str, key: str) -> dg.ExecuteInProcessResult:
        """Run the job of a schedule on a partition, with the tags of the daemon."""
        return self._execute(job, key, {SCHEDULE_NAME_TAG: schedule}, {})

    def _run(self, sensor: str, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        self.keys.add((sensor, request.run_key))
        tags = dict(request.tags) | {SENSOR_NAME_TAG: sensor}
        self.requested.append(tags)
        (target, *_) = self.repository.get_sensor_def(sensor).targets
        job = request.job_name or target.job_name
        return self._execute(job, request.partition_key, tags, dict(request.run_config or {}))

    def _execute(
        self, job: str, key: str | None, tags: dict[str, str], config: dict[str, object]
    ) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=key,
            tags=tags,
            run_config=config | QUIET,
            raise_on_error=False,
        )
