"""The CDK app: reads the context and lays out the two stacks."""

import sys

from aws_cdk import App

from qldbkit.errors import QldbkitError
from stacks.db_stack import QldbBlogDbStack
from stacks.packaging import LambdaPackages
from stacks.settings import Settings, context_of_environment
from stacks.stream_stack import QldbBlogStreamStack

try:
    app = App(post_cli_context=context_of_environment())
    settings = Settings.from_context(app.node.get_all_context())
    code = LambdaPackages(settings.lambda_python, settings.lambda_architecture)
    ledgers = QldbBlogDbStack(app, "QldbBlogDbStack", settings=settings, code=code)
    stream = QldbBlogStreamStack(app, "QldbBlogStreamStack", settings=settings, code=code)
    stream.add_stack_dependency(ledgers)  # a stream needs its ledger
    app.synth()
except QldbkitError as error:
    sys.exit(str(error))
