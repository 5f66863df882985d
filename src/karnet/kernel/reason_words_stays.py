"""Words of the reasons that tabs and stays give."""

from __future__ import annotations

from karnet.kernel.reasons import Reason
from karnet.kernel.sentences import Sentence

STAYS: dict[Reason, Sentence] = {
    Reason.UNKNOWN_TARIFF: Sentence(
        en="No tariff[ {tariff}] is in force here[ for {category}]. Publish it first, or choose another.",
        pl="Nie obowiązuje tu taki cennik pobytu[ {tariff}][ dla {category}]. Najpierw go opublikuj albo wybierz inny.",
        ru="Здесь не действует такой тариф[ {tariff}][ для {category}]. Сначала опубликуйте его или выберите другой.",
        it="Qui non è in vigore questa tariffa[ {tariff}][ per {category}]. Pubblicala prima, o scegline un'altra.",
        de="Hier gilt kein solcher Tarif[ {tariff}][ für {category}]. Veröffentlichen Sie ihn zuerst, oder wählen Sie einen anderen.",
    ),
    Reason.UNKNOWN_TAB: Sentence(
        en="There is no such tab here. Read the band again, or look for its number.",
        pl="Nie ma tu takiego otwartego rachunku. Odczytaj pasek ponownie albo wyszukaj numer.",
        ru="Здесь нет такого открытого счёта. Считайте браслет ещё раз или найдите его номер.",
        it="Qui non c'è questo conto aperto. Rileggi il braccialetto o cerca il numero.",
        de="Diese offene Rechnung gibt es hier nicht. Lesen Sie das Armband erneut, oder suchen Sie die Nummer.",
    ),
    Reason.TAB_CLOSED: Sentence(
        en="The tab[ {number}] is closed. Open a new one.",
        pl="Rachunek[ {number}] jest zamknięty. Otwórz nowy.",
        ru="Счёт[ {number}] закрыт. Откройте новый.",
        it="Il conto[ {number}] è chiuso. Aprine uno nuovo.",
        de="Die Rechnung[ {number}] ist geschlossen. Öffnen Sie eine neue.",
    ),
    Reason.PEOPLE_INSIDE: Sentence(
        en="People of this tab are still inside[: {people}]. Settle their stays first.",
        pl="Osoby z tego rachunku są jeszcze na obiekcie[: {people}]. Najpierw rozlicz ich pobyty.",
        ru="Люди с этого счёта ещё внутри[: {people}]. Сначала рассчитайте их пребывание.",
        it="Ci sono ancora persone di questo conto all'interno[: {people}]. Salda prima le loro permanenze.",
        de="Personen dieser Rechnung sind noch drinnen[: {people}]. Rechnen Sie zuerst ihre Aufenthalte ab.",
    ),
    Reason.NO_STAY: Sentence(
        en="There is no stay on this band[ {number}]. Please go to the till.",
        pl="Na tym pasku[ {number}] nie ma pobytu. Prosimy podejść do kasy.",
        ru="На этом браслете[ {number}] нет пребывания. Подойдите в кассу.",
        it="Su questo braccialetto[ {number}] non c'è nessuna permanenza. Rivolgiti alla cassa.",
        de="Auf diesem Armband[ {number}] ist kein Aufenthalt. Bitte gehen Sie zur Kasse.",
    ),
    Reason.STAY_ENDED: Sentence(
        en="This stay has ended. Please give the band back at the till.",
        pl="Ten pobyt jest zakończony. Prosimy oddać pasek w kasie.",
        ru="Это пребывание окончено. Сдайте браслет в кассу.",
        it="Questa permanenza è finita. Riconsegna il braccialetto alla cassa.",
        de="Dieser Aufenthalt ist beendet. Bitte geben Sie das Armband an der Kasse zurück.",
    ),
    Reason.MONEY_OWED: Sentence(
        en="[{owed_minor} is still to be paid. ]Please pay at the till, then come back.",
        pl="[Do dopłaty: {owed_minor}. ]Prosimy zapłacić w kasie i wrócić.",
        ru="[К доплате: {owed_minor}. ]Оплатите в кассе и возвращайтесь.",
        it="[Restano da pagare {owed_minor}. ]Paga alla cassa, poi torna.",
        de="[Noch zu zahlen: {owed_minor}. ]Bitte zahlen Sie an der Kasse und kommen Sie wieder.",
    ),
    Reason.ALREADY_INSIDE: Sentence(
        en="This band is inside already[: {zone}]. Ask the staff if a reading was missed.",
        pl="Ten pasek jest już w środku[: {zone}]. Jeśli pominięto odczyt, zgłoś to obsłudze.",
        ru="Этот браслет уже внутри[: {zone}]. Если считывание пропущено, обратитесь к персоналу.",
        it="Questo braccialetto è già dentro[: {zone}]. Se manca una lettura, chiedi al personale.",
        de="Dieses Armband ist schon drinnen[: {zone}]. Fehlt eine Lesung, fragen Sie das Personal.",
    ),
    Reason.UNKNOWN_ZONE: Sentence(
        en="There is no zone[ {zone}] here, or the reader[ {gate}] leads to none. Set it up first.",
        pl="Nie ma tu strefy[ {zone}] albo czytnik[ {gate}] do żadnej nie prowadzi. Najpierw ją skonfiguruj.",
        ru="Здесь нет зоны[ {zone}], или считыватель[ {gate}] никуда не ведёт. Сначала настройте её.",
        it="Qui non c'è la zona[ {zone}], o il lettore[ {gate}] non porta a nessuna. Configurala prima.",
        de="Hier gibt es keinen Bereich[ {zone}], oder das Lesegerät[ {gate}] führt in keinen. Richten Sie ihn zuerst ein.",
    ),
    Reason.ZONE_FULL: Sentence(
        en="The zone[ {zone}] is full. Please wait until somebody leaves.",
        pl="Strefa[ {zone}] jest pełna. Prosimy poczekać, aż ktoś wyjdzie.",
        ru="Зона[ {zone}] заполнена. Подождите, пока кто-нибудь выйдет.",
        it="La zona[ {zone}] è piena. Aspetta che qualcuno esca.",
        de="Der Bereich[ {zone}] ist voll. Bitte warten Sie, bis jemand geht.",
    ),
    Reason.EVACUATION: Sentence(
        en="The place is being evacuated. Please leave by the nearest exit.",
        pl="Trwa ewakuacja. Prosimy wyjść najbliższym wyjściem.",
        ru="Идёт эвакуация. Выйдите через ближайший выход.",
        it="Evacuazione in corso. Esci dall'uscita più vicina.",
        de="Das Gebäude wird geräumt. Bitte gehen Sie zum nächsten Ausgang.",
    ),
    Reason.NO_STAY_INCLUDED: Sentence(
        en="The ticket on this card[ {number}] includes no more stays here. Let the person in at the usual price.",
        pl="Bilet na tej karcie[ {number}] nie obejmuje już tu pobytu. Wpuść osobę po zwykłej cenie.",
        ru="Билет на этой карте[ {number}] больше не включает пребывания здесь. Впустите по обычной цене.",
        it="Il biglietto su questa tessera[ {number}] non include altre permanenze qui. Fai entrare a prezzo normale.",
        de="Das Ticket auf dieser Karte[ {number}] enthält hier keinen Aufenthalt mehr. Einlass zum üblichen Preis.",
    ),
}
