"""What NENA-STA-021 lets an EIDO say, written out from DOMAIN 2.5 and the schema that it names.

Written out by hand and not taken from the program: a name that is wrong there must not be right here.
"""

from collections.abc import Mapping

PROLOGUE = frozenset({"$id", "lastUpdateTimeStamp", "updatedByAgencyReference", "updatedByAgentReference"})
"""Every component has all four."""

TOP = frozenset(
    {
        "eidoVersion", "eidoExtensionId", "issuingElementIdentification", "incidentComponent",
        "callComponent", "callbackComponent", "dispatchComponent", "emergencyResourceComponent",
        "locationComponent", "personComponent", "vehicleComponent", "agencyComponent", "agentComponent",
        "notesComponent", "additionalDataComponent", "alarmsSensorsComponent", "cautionComponent",
        "mediaComponent", "mergeComponent", "linkComponent", "sharedCommunicationResourceComponent",
        "externalInformationSourceComponent", "@context",
    }
)  # fmt: skip

COMPONENTS: Mapping[str, frozenset[str]] = {
    "incidentComponent": frozenset(
        {
            "internalIncidentId", "incidentTypeCommonRegistryText", "incidentTypeInternalText",
            "incidentStatusCommonRegistryText", "incidentPriorityInternalText",
            "incidentCommonPriorityNumber", "locationReference", "personReference", "dispositionComponent",
            "beatOrDispatchGroupText",
        }
    ),
    "callComponent": frozenset(
        {
            "queueIdentifier", "standardPrimaryCallType", "direction", "callStartTimestamp", "answerDate",
            "callStateRegistryText", "verstat", "agentReference", "callBackReference", "locationReference",
        }
    ),
    "dispatchComponent": frozenset(
        {"agencyReference", "agentReference", "emergencyResourceReference", "notesReference"}
    ),
    "emergencyResourceComponent": frozenset(
        {
            "emergencyResourceTypeCommonRegistryText", "resourceAttributeRegistryText",
            "emergencyResourceName", "primaryUnitStatusRegistryText", "secondaryUnitStatusRegistryText",
            "unitStatusInternal", "unitLocationReference", "eta", "activeOnIncidentId",
            "stackedOnIncidentId",
        }
    ),
    "locationComponent": frozenset(
        {
            "locationTypeDescriptionRegistryText", "locationByValue", "locationDescriptionText",
            "crossStreetByValue", "cellTowerSectorId", "localIdentifier",
        }
    ),
    "dispositionComponent": frozenset(
        {"dispositionCommonRegistryCode", "dispositionPrimaryIndicator", "dispositionDescriptionText"}
    ),
    # Of these three DOMAIN names the component alone; the names are those of the schema it was read from.
    "notesComponent": frozenset({"notesActionComments", "agentReference", "cautionReference"}),
    "agentComponent": frozenset(
        {
            "agentJcard", "agentWorkstationPositionIdentification", "agentRoleRegistryText",
            "agencyReference", "notesReference", "agentCallLegState",
        }
    ),
    "agencyComponent": frozenset(
        {
            "agencyJcard", "agencyRoleDescriptionRegistryText", "agencyType", "notesReference",
            "incidentOwningAgencyIndicator", "actingOnBehalfOfAgencyReference", "agencyCallLegState",
        }
    ),
}  # fmt: skip
"""The properties of each component beside the prologue."""

LISTS = frozenset(
    {
        "incidentStatusCommonRegistryText", "dispositionComponent", "emergencyResourceReference",
        "secondaryUnitStatusRegistryText", "unitStatusInternal", "resourceAttributeRegistryText",
        "stackedOnIncidentId",
    }
)  # fmt: skip
"""Properties of which there are several; ``locationReference`` of an incident and of a call is one, too."""

INCIDENT_STATUS = frozenset(
    {
        "Active", "Cancelled", "Closed", "FireUnderControl", "NewLocation", "ReOpened", "ResourcesAssigned",
        "ResourcesEnroute", "ResourcesOnscene", "StructureCleared",
    }
)  # fmt: skip

PRIMARY_UNIT_STATUS = frozenset({"Available", "ConditionallyAvailable", "NotAvailable"})

SECONDARY_UNIT_STATUS = frozenset(
    {
        "AcknowledgedTransmission", "AlternateLocation", "Arrived", "Assigned", "AssignmentCancelled",
        "BacktoAssignedArea", "Backup", "Break", "CheckedIn", "Cleared", "COP_or_POP", "Court",
        "CoveringAlternateArea", "Delayed", "Departed", "Dispatched", "EnRoute", "EquipmentIssues", "Event",
        "Hospital", "InService", "Investigation", "Location", "Meal", "Meeting", "OffDuty", "OnDuty",
        "OnScene", "OutofService", "PatientContact", "Post", "ResponderInitiatedEvent", "RollCall", "Roster",
        "ShiftPending", "Staging", "Station", "TrafficStop", "Training", "Transporting", "Unmanned",
    }
)  # fmt: skip

DISPOSITIONS = frozenset(
    {
        "05", "10", "13", "14", "16", "21", "22", "32", "34", "38", "39", "40", "41", "42", "43", "44", "45",
    }
)  # fmt: skip
"""Of APCO ANS 1.111.2-2018 those whose meaning DOMAIN gives."""

INCIDENT_TYPES = frozenset(
    {
        "911H", "911OPN", "NONEMERG", "ABDOM", "ALLERGIC", "ASSAULT", "BITE", "BLEEDING", "BURN", "CARDIAC",
        "CHESPAIN", "DEATH", "DROWN", "FALL", "MVA", "MVAINJY", "MNTL", "OD", "SICK", "STDBY", "SUICIDE",
        "TRANSFER", "TRAUMA", "TRAUMAP",
    }
)  # fmt: skip
"""Of APCO 2.103.2-2019 those that DOMAIN lists."""

WORDS: Mapping[str, frozenset[str]] = {
    "incidentStatusCommonRegistryText": INCIDENT_STATUS,
    "primaryUnitStatusRegistryText": PRIMARY_UNIT_STATUS,
    "secondaryUnitStatusRegistryText": SECONDARY_UNIT_STATUS,
    "dispositionCommonRegistryCode": DISPOSITIONS,
    "incidentTypeCommonRegistryText": INCIDENT_TYPES,
    "standardPrimaryCallType": frozenset({"emergency"}),
    "direction": frozenset({"incoming"}),
    "callStateRegistryText": frozenset({"callAnswered"}),
    "eidoVersion": frozenset({"1.0"}),
}
"""What may stand under each name that takes the words of a registry."""

REGISTERED = ("RegistryText", "RegistryCode")
"""How a name ends that takes the words of a registry: such a one that is not above is refused."""
