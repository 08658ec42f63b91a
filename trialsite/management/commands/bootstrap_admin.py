"""The first account of a fresh installation, which has none."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from trialsite import clock
from trialsite.access import system_actor
from trialsite.services.people import Person, set_up
from trialsite.services.subjects import Refused


class Command(BaseCommand):
    help = "Make the coordinating centre and its first administrator; print a single-use link to set the password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("printed_name", help='For example "Dr Ruth Adler"')
        parser.add_argument("email")
        parser.add_argument("--centre", default="Coordinating centre")

    def handle(self, *args: object, **options: str) -> None:
        person = Person(options["username"], options["printed_name"], options["email"])
        try:
            link = set_up(by=system_actor("installation"), at=clock.now(), person=person, centre=options["centre"])
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{settings.PUBLIC_URL}/accounts/welcome/{link.token}/")
