"""The command ``monitoring-pipeline``."""

from typing import Any, ClassVar

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.garbage import rare_collections
from monitoring_pipeline.cli.execution.lazy_group import LazyGroup, Place
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, hide_in_logs, without_secrets

__all__ = ["main"]


class _WithoutSecrets(LazyGroup):
    """Removes secrets from every error and log message of a command."""

    places: ClassVar = {
        "init": Place(
            "drafting.init.init", "Draft the spec and the suite of the model whose predictions are in SOURCE."
        ),
        "spec": Place("specs.spec", "Model specs: one YAML file per monitored model."),
        "suite": Place("specs.suite", "Great Expectations suites: one file per model, for you to edit."),
        "backfill": Place(
            "results.backfill",
            "Monitor MODEL on past days in one Dagster run; the results equal those of nightly runs.",
        ),
        "show": Place("results.show", "Print the results of MODEL, one line per chunk or longer period."),
        "segments": Place(
            "results.segments", "Print the segments of MODEL on each chunk, beside what is usual in them."
        ),
        "performance": Place(
            "results.performance",
            "Print MODEL's exact performance over longer periods, from all rows with known labels.",
        ),
        "compare": Place(
            "comparing.compare",
            "Compare the performance of two versions, segments or periods of MODEL, with intervals.",
        ),
        "report": Place("reports.report", "Write the report of MODEL as one HTML file that needs no network."),
        "digest": Place(
            "reports.digest",
            "Write a week of all models as one HTML page: what changed, in words and at most five pictures.",
        ),
        "serve": Place("reports.serve", "Serve the reports of all models, always with the newest results."),
        "mcp": Place(
            "reports.mcp",
            "Answer assistants over the Model Context Protocol, from a store that is only read.",
        ),
        "metrics": Place("reports.metrics", "Write the newest results of all models as metrics of Prometheus."),
        "replay": Place(
            "results.replay",
            "Check MODEL's rules on its reference: their false alarms, and the injected changes that they find.",
        ),
        "reference": Place(
            "results.reference", "References of model versions: the rows with which chunks are compared."
        ),
        "rehearse": Place(
            "rehearsing.rehearse",
            "Repeat past nights of MODEL: show incidents, alerts and retrainings, and whether retraining would have "
            "helped.",
        ),
        "review": Place(
            "reviewing.review",
            "Replay the rules of a proposed spec over MODEL's history: incidents gained, lost and kept.",
        ),
        "doctor": Place(
            "doctor.doctor",
            "Examine the deployment: what does not work, what is off, what will be full, and what to do.",
        ),
        "retain": Place(
            "retaining.retain",
            "Remove what retention.yaml no longer keeps: rows of old chunks, replaced results, runs of Dagster.",
        ),
        "forget": Place(
            "forgetting.forget",
            "Remove the rows of a person from the snapshots of MODEL, so that they are never read again.",
        ),
        "export": Place(
            "exporting.export",
            "Write everything about MODEL from one day to another as one zip file, for an auditor.",
        ),
        "migrate": Place(
            "migrating.migrate", "Make the tables of the store, or upgrade them to those of this version."
        ),
        "query": Place("results.query", "Run a documented query."),
        "demo": Place(
            "results.demo",
            "Seed a warehouse with real flights, train three models, and monitor them over two months.",
        ),
        "explain": Place(
            "explaining.explain",
            "Print what the changes of MODEL since the reference consist of, or the parts of a row's output.",
        ),
        "incidents": Place("incidents.incidents", "List incidents; acknowledge or mute them, or record their outcome."),
        "alerts": Place("alerts.alerts", "Channels and routes of alerts, from alerting.yaml."),
        "decisions": Place("versions.decisions", "Print the decisions about MODEL, with actor and reason."),
        "evaluate": Place("versions.evaluate", "Compare VERSION of MODEL with the champion."),
        "promote": Place("versions.promote", "Promote the challenger of MODEL to champion."),
        "rollback": Place("versions.rollback", "Make the former champion of MODEL champion again."),
        "retrain": Place("versions.retrain", "Ask for a retraining of MODEL, which the sensor starts."),
        "refuse": Place("versions.refuse", "Refuse the challenger of MODEL, which then cannot be promoted."),
    }

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        hide_in_logs()
        with hidden_in_errors(), rare_collections():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                click.echo("stopped by SIGINT", err=True)
                raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
            except click.ClickException as error:
                hidden = without_secrets(error.message)
                if hidden == error.message:
                    raise
                raise click.ClickException(hidden) from None


@click.group(cls=_WithoutSecrets, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monitoring-pipeline")
def main() -> None:
    """Monitor machine-learning models in production."""
