"""Words of the reasons that electronic passes and benefit cards give."""

from __future__ import annotations

from karnet.kernel.reasons import Reason
from karnet.kernel.sentences import Sentence

PASSES: dict[Reason, Sentence] = {
    Reason.UNKNOWN_PASS: Sentence(
        en="There is no pass on this card[ {number}] here. Read it again, or sell a pass.",
        pl="Na tej karcie[ {number}] nie ma tu karnetu. Odczytaj ją ponownie albo sprzedaj karnet.",
        ru="На этой карте[ {number}] здесь нет абонемента. Считайте её ещё раз или продайте абонемент.",
        it="Su questa carta[ {number}] non c'è una tessera prepagata di qui. Rileggila o vendine una.",
        de="Auf dieser Karte[ {number}] ist hier keine Wertkarte. Lesen Sie sie erneut, oder verkaufen Sie eine.",
    ),
    Reason.PASS_ON_CARD: Sentence(
        en="There is a pass on this card[ {number}] already. Top it up, or take another card.",
        pl="Na tej karcie[ {number}] jest już karnet. Doładuj go albo weź inną kartę.",
        ru="На этой карте[ {number}] уже есть абонемент. Пополните его или возьмите другую карту.",
        it="Su questa carta[ {number}] c'è già una tessera prepagata. Ricaricala o prendi un'altra carta.",
        de="Auf dieser Karte[ {number}] ist schon eine Wertkarte. Laden Sie sie auf, oder nehmen Sie eine andere Karte.",
    ),
    Reason.PASS_BLOCKED: Sentence(
        en="This pass[ {number}] is blocked. Please go to the till.",
        pl="Ten karnet[ {number}] jest zablokowany. Prosimy podejść do kasy.",
        ru="Этот абонемент[ {number}] заблокирован. Подойдите в кассу.",
        it="Questa tessera[ {number}] è bloccata. Rivolgiti alla cassa.",
        de="Diese Wertkarte[ {number}] ist gesperrt. Bitte gehen Sie zur Kasse.",
    ),
    Reason.PASS_EXPIRED: Sentence(
        en="This pass[ {number}] has ended[ ({valid_until})]. Renew it at the till.",
        pl="Ten karnet[ {number}] stracił ważność[ ({valid_until})]. Przedłuż go w kasie.",
        ru="Срок этого абонемента[ {number}] истёк[ ({valid_until})]. Продлите его в кассе.",
        it="Questa tessera[ {number}] è scaduta[ ({valid_until})]. Rinnovala alla cassa.",
        de="Diese Wertkarte[ {number}] ist abgelaufen[ ({valid_until})]. Verlängern Sie sie an der Kasse.",
    ),
    Reason.PASS_SHORT: Sentence(
        en="There is not enough on the pass[: {owed_minor} is missing]. Please pay the rest at the till, then come back.",
        pl="Na karnecie jest za mało[: brakuje {owed_minor}]. Prosimy dopłacić w kasie i wrócić.",
        ru="На абонементе не хватает средств[: нужно ещё {owed_minor}]. Доплатите в кассе и возвращайтесь.",
        it="Sulla tessera non c'è abbastanza[: mancano {owed_minor}]. Paga il resto alla cassa, poi torna.",
        de="Auf der Wertkarte ist zu wenig[: es fehlen {owed_minor}]. Bitte zahlen Sie den Rest an der Kasse und kommen Sie wieder.",
    ),
    Reason.PASS_IN_USE: Sentence(
        en="As many people as may are inside on this pass[ {number}] already[: {people}]. Please wait, or pay at the till.",
        pl="Na ten karnet[ {number}] weszło już tyle osób, ile może[: {people}]. Prosimy poczekać albo zapłacić w kasie.",
        ru="По этому абонементу[ {number}] уже вошло предельное число людей[: {people}]. Подождите или заплатите в кассе.",
        it="Con questa tessera[ {number}] sono già entrate tutte le persone ammesse[: {people}]. Aspetta o paga alla cassa.",
        de="Mit dieser Wertkarte[ {number}] sind schon so viele Personen drinnen, wie dürfen[: {people}]. Bitte warten Sie, oder zahlen Sie an der Kasse.",
    ),
    Reason.NO_CREDITS: Sentence(
        en="There are not enough credits on the pass[: {available} left, {needed} needed]. Top it up.",
        pl="Na karnecie jest za mało wejść[: zostało {available}, potrzeba {needed}]. Doładuj go.",
        ru="На абонементе не хватает занятий[: осталось {available}, нужно {needed}]. Пополните его.",
        it="Sulla tessera non ci sono abbastanza ingressi[: {available} rimasti, {needed} necessari]. Ricaricala.",
        de="Auf der Wertkarte sind zu wenige Einheiten[: {available} übrig, {needed} nötig]. Laden Sie sie auf.",
    ),
    Reason.NOTHING_DUE: Sentence(
        en="No instalment of this pass[ {number}] is to be paid. There is nothing to do.",
        pl="Ten karnet[ {number}] nie ma rat do zapłaty. Nie trzeba nic robić.",
        ru="По этому абонементу[ {number}] нет взносов к оплате. Ничего делать не нужно.",
        it="Per questa tessera[ {number}] non ci sono rate da pagare. Non c'è nulla da fare.",
        de="Für diese Wertkarte[ {number}] ist keine Rate zu zahlen. Es gibt nichts zu tun.",
    ),
    Reason.BENEFIT_USED: Sentence(
        en="This benefit card was used today already. It pays one entry a day; let the person in at the usual price.",
        pl="Tej karty benefitowej użyto już dzisiaj. Opłaca jedno wejście dziennie; wpuść osobę po zwykłej cenie.",
        ru="Эта карта льгот сегодня уже использована. Она оплачивает один вход в день; впустите по обычной цене.",
        it="Questa carta benefit è già stata usata oggi. Paga un ingresso al giorno; fai entrare a prezzo normale.",
        de="Diese Benefit-Karte wurde heute schon benutzt. Sie zahlt einen Eintritt am Tag; Einlass zum üblichen Preis.",
    ),
    Reason.UNKNOWN_PROGRAMME: Sentence(
        en="Cards of this issuer[ {programme}] are not taken here. Let the person in at the usual price.",
        pl="Karty tego wystawcy[ {programme}] nie są tu przyjmowane. Wpuść osobę po zwykłej cenie.",
        ru="Карты этого эмитента[ {programme}] здесь не принимают. Впустите по обычной цене.",
        it="Le carte di questo emittente[ {programme}] qui non sono accettate. Fai entrare a prezzo normale.",
        de="Karten dieses Ausstellers[ {programme}] werden hier nicht angenommen. Einlass zum üblichen Preis.",
    ),
    Reason.WRONG_CODE: Sentence(
        en="Number and code do not belong together. Look at the slip you got with the pass, or ask at the till for a new code.",
        pl="Numer i kod do siebie nie pasują. Sprawdź wydruk otrzymany z karnetem albo poproś w kasie o nowy kod.",
        ru="Номер и код не подходят друг к другу. Посмотрите на квитанцию к абонементу или попросите в кассе новый код.",
        it="Numero e codice non corrispondono. Guarda il foglietto ricevuto con la tessera o chiedi un nuovo codice alla cassa.",
        de="Nummer und Code gehören nicht zusammen. Sehen Sie auf den Zettel zur Wertkarte, oder lassen Sie sich an der Kasse einen neuen Code geben.",
    ),
}
