"""The word on the screen for each value of the vocabulary; one table per enumeration (DOMAIN 2.7).

The msgids are English; the Indonesian words stand in the catalogue.
"""

import gettext
from collections.abc import Mapping

from dashboards.i18n import msgid
from dashboards.survey_labels import SURVEY_LABELS
from dashboards.worker_labels import STANDING

STATUS: Mapping[str, str] = {
    "open": msgid("Received"),
    "alerting": msgid("Dispatched"),
    "alerted": msgid("Being alerted"),
    "accepted": msgid("Acknowledged"),
    "declined": msgid("Declined"),
    "stood_down": msgid("Stood down"),
    "no_answer": msgid("No answer"),
    "en_route": msgid("En route"),
    "staging": msgid("Waiting until safe"),
    "on_scene": msgid("On scene"),
    "transporting": msgid("Transporting"),
    "at_facility": msgid("At the hospital"),
    "available": msgid("Available"),
    "closed": msgid("Closed"),
}

PRIORITY: Mapping[str, str] = {
    "red": msgid("Red"),
    "yellow": msgid("Yellow"),
    "green": msgid("Green"),
    "black": msgid("Black"),
    "unknown": msgid("Not yet judged"),
}

CATEGORY: Mapping[str, str] = {
    "unconscious": msgid("Unconscious"),
    "breathing": msgid("Trouble breathing"),
    "cardiac": msgid("Heart"),
    "stroke": msgid("Stroke"),
    "seizure": msgid("Seizure"),
    "bleeding": msgid("Bleeding"),
    "trauma": msgid("Injury"),
    "traffic": msgid("Traffic accident"),
    "penetrating": msgid("Stab or arrow wound"),
    "burn": msgid("Burn"),
    "choking": msgid("Choking"),
    "drowning": msgid("Drowning"),
    "poisoning": msgid("Poisoning"),
    "snakebite": msgid("Snake bite"),
    "childbirth": msgid("Childbirth"),
    "fever": msgid("Fever"),
    "child_illness": msgid("Sick child"),
    "psychiatric": msgid("Mental crisis"),
    "assault": msgid("Assault"),
    "fall": msgid("Fall"),
    "transfer": msgid("Transfer of a patient"),
    "information": msgid("Information"),
    "other": msgid("Other"),
    "unknown": msgid("Not yet known"),
}

OUTCOME: Mapping[str, str] = {
    "treated": msgid("Treated on scene"),
    "transported": msgid("Taken to a facility"),
    "referred": msgid("Referred"),
    "refused": msgid("Help was refused"),
    "not_found": msgid("Patient not found"),
    "dead_on_arrival": msgid("Dead on arrival"),
    "advice": msgid("Advice given"),
    "cancelled": msgid("Cancelled"),
    "duplicate": msgid("Same as another incident"),
    "prank": msgid("Prank"),
    "ghost": msgid("Ghost call"),
    "silent": msgid("Silent call"),
    "abandoned": msgid("Caller hung up"),
    "wrong_number": msgid("Wrong number"),
    "information": msgid("Information"),
    "test": msgid("Test"),
    "incident": msgid("Opened an incident"),
    "joined": msgid("Joined an incident"),
}

CHANNEL: Mapping[str, str] = {
    "voice": msgid("Telephone"),
    "sms": msgid("Text message"),
    "missed_call": msgid("Missed call"),
    "web": msgid("Web page"),
    "walk_in": msgid("In person"),
}

SOURCE: Mapping[str, str] = {
    "voice": msgid("telephone"),
    "sms": msgid("text message"),
    "keypad": msgid("keypad"),
    "web": msgid("web page"),
    "api": msgid("another program"),
    "engine": msgid("this program"),
    "import": msgid("import"),
}

LOCATION_SOURCE: Mapping[str, str] = {
    "caller": msgid("said by the caller"),
    "worker": msgid("said by a health worker"),
    "dispatcher": msgid("said by the dispatcher"),
    "link": msgid("shared from the caller’s phone"),
    "history": msgid("from an earlier call"),
}

DELIVERY: Mapping[str, str] = {
    "pending": msgid("Waiting to be sent"),
    "sending": msgid("Being sent"),
    "accepted": msgid("On its way"),
    "delivered": msgid("Arrived"),
    "failed": msgid("Failed"),
    "unknown": msgid("Uncertain"),
    "withdrawn": msgid("No longer needed"),
}

PURPOSE: Mapping[str, str] = {
    "alert": msgid("Alert"),
    "stand_down": msgid("Stand-down"),
    "connect": msgid("Connecting to the caller"),
    "call_back": msgid("Call back"),
    "details": msgid("Details"),
    "warning": msgid("Warning"),
    "hang_up": msgid("Hanging up"),
    "watchdog": msgid("Warning of the watchdog"),
    "seal": msgid("A day's seal, to a witness"),
    "survey": msgid("Question about satisfaction"),
    "caller": msgid("News of the caller"),
}

FINDING: Mapping[str, str] = {
    "engine_silent": msgid("The engine is silent: nobody is being alerted"),
    "alert_not_left": msgid("No alert has left for"),
    "caller_left_alone": msgid("A caller waits, and nobody is called to them:"),
    "caller_not_reached": msgid("A caller hung up and cannot be reached by calling back:"),
    "nobody_will_look": msgid("No owner, and nobody is called any more:"),
    "deadline_overdue": msgid("The next person is called too late:"),
    "call_without_incident": msgid("A call came in and became no incident"),
    "kept_without_call": msgid("A call was taken and is not in the log"),
    "delivery_stuck": msgid("A call or text does not get out:"),
    "not_one_primary": msgid("Not exactly one owner:"),
    "record_not_intact": msgid("The record is not intact:"),
    "clock_wrong": msgid("The clock of this machine is wrong"),
    "call_without_ending": msgid("Nobody knows how a call ended:"),
    "log_unread": msgid("A provider's log cannot be read"),
    "backup_missing": msgid("There is no new backup"),
    "journal_waiting": msgid("What was kept for the database does not get into it"),
    "journal_laid_aside": msgid("A request could not be carried out and waits for a person"),
    "seal_missing": msgid("A day that has ended is not sealed"),
    "check_failed": msgid("A check could not be carried out"),
}
"""What the watchdog finds; an incident's number follows where there is one."""

FAILURE: Mapping[str, str] = {
    "account": msgid("the provider refuses our account: check its log-in data and its balance"),
    "blocked": msgid("the network or the owner of the phone blocks our texts"),
    "busy": msgid("the line is busy"),
    "expired": msgid("it waited until it was too old to help"),
    "no_answer": msgid("nobody picked up"),
    "no_provider": msgid("no provider can carry this"),
    "no_texts": msgid("this number takes no texts"),
    "not_allowed": msgid("our account may not reach this number: check its permissions"),
    "our_number": msgid("our own number may not be used for this"),
    "our_request": msgid("the provider does not take our request: tell whoever looks after this program"),
    "overloaded": msgid("the provider takes no more at the moment"),
    "provider_silent": msgid("the provider does not answer"),
    "stopped": msgid("stopped by this program"),
    "unknown": msgid("for a reason that this program does not know"),
    "unreachable": msgid("the phone is out of reach"),
    "wrong_number": msgid("the number is wrong: correct it in the staff list"),
}

ROLE: Mapping[str, str] = {
    "responder": msgid("Responder"),
    "call_taker": msgid("Call taker"),
    "supervisor": msgid("Supervisor"),
    "driver": msgid("Driver"),
}

ACTION: Mapping[str, str] = {
    "assign": msgid("Alert by name"),
    "accept": msgid("Accept"),
    "decline": msgid("Decline"),
    "en_route": msgid("Set off"),
    "on_scene": msgid("Arrived on scene"),
    "stage": msgid("Wait until safe"),
    "leave_scene": msgid("Leave with the patient"),
    "arrive_facility": msgid("Arrived at the facility"),
    "available": msgid("Finished"),
    "help": msgid("More help needed"),
    "info": msgid("Send the details again"),
    "eta": msgid("State the minutes to arrival"),
    "close": msgid("Close the incident"),
    "note": msgid("Add a note"),
    "set_priority": msgid("Set the priority"),
    "set_location": msgid("Set the location"),
    "set_category": msgid("Set the category"),
    "merge": msgid("Merge"),
}

TIME: Mapping[str, str] = {
    "received_at": msgid("Call received"),
    "answered_at": msgid("Caller answered"),
    "alerted_at": msgid("First worker alerted"),
    "accepted_at": msgid("First worker accepted"),
    "en_route_at": msgid("Set off"),
    "staged_at": msgid("Waited until safe"),
    "on_scene_at": msgid("Arrived on scene"),
    "left_scene_at": msgid("Left with the patient"),
    "at_facility_at": msgid("Arrived at the facility"),
    "available_at": msgid("Workers available again"),
    "closed_at": msgid("Incident closed"),
}

PART_TIME: Mapping[str, str] = {
    "alerted_at": msgid("alerted"),
    "accepted_at": msgid("accepted"),
    "declined_at": msgid("declined"),
    "stood_down_at": msgid("stood down"),
    "en_route_at": msgid("set off"),
    "staged_at": msgid("waited until safe"),
    "on_scene_at": msgid("on scene"),
    "left_scene_at": msgid("left with the patient"),
    "at_facility_at": msgid("at the facility"),
    "available_at": msgid("finished"),
}

MENU: Mapping[str, str] = {
    "1": msgid("not conscious or not breathing"),
    "2": msgid("accident or heavy bleeding"),
    "3": msgid("childbirth"),
    "4": msgid("something else"),
    "9": msgid("wrong number"),
}

PRIVATE: Mapping[str, str] = {
    "caller_number": msgid("Number"),
    "text": msgid("Text"),
    "reason": msgid("Reason"),
    "place": msgid("Place"),
    "lat": msgid("Latitude"),
    "lon": msgid("Longitude"),
}

OUTAGE: Mapping[str, str] = {
    "stopped": msgid("the program was stopped"),
    "silent": msgid("the program did not run, or the power was gone"),
    "clock": msgid("the clock was set"),
    "database": msgid("the database did not answer"),
    "provider": msgid("the telephone provider did not answer"),
    "restored": msgid("the record of this time was lost, and a backup was put back"),
}

STATE: Mapping[str, str] = {
    "recorded": msgid("recorded"),
    "not_recorded": msgid("not recorded"),
    "not_applicable": msgid("does not apply"),
    "anomaly": msgid("impossible order"),
}
"""What is known of one interval of one incident."""

REFUSAL: Mapping[str, str] = {
    "refused": msgid("This was not accepted."),
    "incident_not_found": msgid("There is no such incident."),
    "complaint_not_found": msgid("There is no such complaint."),
    "staff_not_found": msgid("There is no such member of staff."),
    "incident_closed": msgid("This incident is closed already; only notes can still be added."),
    "not_assigned": msgid("This worker was never alerted to this incident."),
    "wrong_transition": msgid("This step does not follow from where the worker stands now."),
    "already_there": msgid("This was recorded before; nothing was changed."),
    "answer_overtaken": msgid("This answer came late and has no effect: a newer one stands."),
    "reason_required": msgid("This needs a reason."),
    "time_refused": msgid(
        "The stated time lies in the future or before the call. Is the phone’s clock right?"
    ),
    "field_required": msgid("Something is missing in the form."),
    "cannot_merge": msgid("An incident cannot be merged into itself or into a closed one."),
    "questionnaire_version": msgid(
        "These answers belong to another version of the questionnaire and cannot be mixed with those of now."
    ),
    "received_in_future": msgid("Received at: this must not lie in the future."),
    "due_before_receipt": msgid("To be settled by: this must not lie before the day of the receipt."),
    "step_time_refused": msgid("Done at: not in the future, and not before the step that it follows."),
    "text_missing": msgid("What was said: this must not be empty."),
    "due_on_missing": msgid("To be settled by: choose a day."),
    "step_note_missing": msgid(
        "What was done, and what was answered: write it; without it the step says nothing."
    ),
    "number_unknown": msgid(
        "There is no incident of this number. A full number looks like KWK-2026-000123; of this year the "
        "short one, 123, is enough."
    ),
    "location_missing": msgid("Where: write a place or a description."),
    "answered_on_refused": msgid(
        "Date written on the form: choose the day that stands there, from 2017 until today."
    ),
    "planned_due_on_missing": msgid("By when: choose a day."),
    "planned_element_missing": msgid("Element: choose one."),
    "planned_period_missing": msgid("Period of the survey: choose one."),
    "answer_refused": msgid("An answer is 1, 2, 3 or 4; something else was given."),
}

COMPLAINT_STATUS: Mapping[str, str] = {
    "received": msgid("Entered"),
    "in_progress": msgid("In work"),
    "settled": msgid("Settled"),
    "forwarded": msgid("Forwarded to whom it concerns"),
    "withdrawn": msgid("Withdrawn"),
}

COMPLAINT_CHANNEL: Mapping[str, str] = {
    "phone": msgid("Telephone"),
    "text": msgid("Text message"),
    "in_person": msgid("In person"),
    "letter": msgid("Letter or suggestion box"),
    "web": msgid("Web page"),
    "lapor": msgid("SP4N-LAPOR!"),
    "centre": msgid("Mimika Center"),
}

COMPLAINT_SUBJECT: Mapping[str, str] = {
    "response_time": msgid("Help came late"),
    "not_reached": msgid("Nobody could be reached"),
    "conduct": msgid("How staff behaved"),
    "competence": msgid("How staff worked"),
    "cost": msgid("Cost"),
    "procedure": msgid("Procedure"),
    "equipment": msgid("Vehicle and equipment"),
    "other": msgid("Other"),
}

REPORT: Mapping[str, str] = {
    "response-times": msgid("Response times"),
    "kipp": msgid("Innovation dossier (KIPP)"),
    "skm": msgid("Satisfaction survey (SKM)"),
    "complaints": msgid("Recap of complaints"),
    "roster": msgid("Duty roster, annex to a decree"),
}

LABELS: Mapping[str, Mapping[str, str]] = {
    "report": REPORT,
    "status": STATUS,
    "priority": PRIORITY,
    "category": CATEGORY,
    "outcome": OUTCOME,
    "channel": CHANNEL,
    "source": SOURCE,
    "location_source": LOCATION_SOURCE,
    "delivery": DELIVERY,
    "purpose": PURPOSE,
    "failure": FAILURE,
    "finding": FINDING,
    "role": ROLE,
    "action": ACTION,
    "time": TIME,
    "part_time": PART_TIME,
    "menu": MENU,
    "private": PRIVATE,
    "outage": OUTAGE,
    "state": STATE,
    "refusal": REFUSAL,
    "standing": STANDING,
    "complaint_status": COMPLAINT_STATUS,
    "complaint_channel": COMPLAINT_CHANNEL,
    "complaint_subject": COMPLAINT_SUBJECT,
    **SURVEY_LABELS,
}


class Labels:
    """The labels in one language."""

    def __init__(self, translations: gettext.NullTranslations) -> None:
        """Translate with *translations*."""
        self._gettext = translations.gettext

    def of(self, kind: str, value: object) -> str:
        """The word for *value*; a value that is not in the table is shown as it is, never hidden."""
        text = LABELS[kind].get(str(value))
        return str(value) if text is None else self._gettext(text)
