"""Words of the reasons that the common card gives: who takes part, and what only another server may do."""

from __future__ import annotations

from karnet.kernel.reasons import Reason
from karnet.kernel.sentences import Sentence

COMMON_CARD: dict[Reason, Sentence] = {
    Reason.UNKNOWN_MEMBER: Sentence(
        en="No such server takes part in the common card[: {code}]. See who does with `karnet federation status`.",
        pl="Taki serwer nie uczestniczy we wspólnej karcie[: {code}]. Kto uczestniczy, pokaże `karnet federation status`.",
        ru="Такой сервер не участвует в общей карте[: {code}]. Кто участвует, покажет `karnet federation status`.",
        it="Nessun server con questo nome partecipa alla carta comune[: {code}]. Chi partecipa lo mostra `karnet federation status`.",
        de="Kein solcher Server nimmt an der gemeinsamen Karte teil[: {code}]. Wer teilnimmt, zeigt `karnet federation status`.",
    ),
    Reason.INVITATION_ENDED: Sentence(
        en="This invitation was used, has ended, or is for another server[ than {code}]. Ask the hub for a new one.",
        pl="To zaproszenie zostało użyte, wygasło albo jest dla innego serwera[ niż {code}]. Poproś węzeł o nowe.",
        ru="Это приглашение использовано, истекло или выдано другому серверу[, не {code}]. Попросите у узла новое.",
        it="Questo invito è stato usato, è scaduto o è per un altro server[, non per {code}]. Chiedi all'hub un nuovo invito.",
        de="Diese Einladung ist verbraucht, abgelaufen oder für einen anderen Server[ als {code}]. Bitten Sie den Hub um eine neue.",
    ),
    Reason.HOME_ONLY: Sentence(
        en="Only the place that sold it, or gave it out, can do this[: {facility}]. Ask there, or again when the link is up.",
        pl="To może zrobić tylko miejsce, które to sprzedało lub wydało[: {facility}]. Zapytaj tam albo ponów, gdy wróci łączność.",
        ru="Это может сделать только то место, где это продали или выдали[: {facility}]. Обратитесь туда или повторите, когда появится связь.",
        it="Può farlo solo chi l'ha venduto o consegnato[: {facility}]. Chiedi lì, o riprova quando torna il collegamento.",
        de="Das kann nur, wer es verkauft oder ausgegeben hat[: {facility}]. Fragen Sie dort oder erneut, sobald die Verbindung steht.",
    ),
    Reason.MAY_NOT_CHARGE: Sentence(
        en="By the agreement in force this facility may not charge what others sold or took[; it may charge {available_minor}]. Take another payment.",
        pl="Według obowiązującej umowy ten obiekt nie może pobierać tego, co sprzedali lub przyjęli inni[; może pobrać {available_minor}]. Przyjmij inną płatność.",
        ru="По действующему договору этот объект не может списывать то, что продали или приняли другие[; может списать {available_minor}]. Примите другую оплату.",
        it="Secondo l'accordo in vigore questo impianto non può addebitare ciò che altri hanno venduto o incassato[; può addebitare {available_minor}]. Accetta un altro pagamento.",
        de="Nach der geltenden Vereinbarung darf dieser Betrieb nicht abbuchen, was andere verkauft oder eingenommen haben[; er darf {available_minor} abbuchen]. Nehmen Sie eine andere Zahlung.",
    ),
    Reason.HOME_SILENT: Sentence(
        en="The server that can do this[, that of {facility},] does not answer now[ (last heard {since})]. Try again, nothing is done twice; or send the customer there.",
        pl="Serwer, który może to zrobić[, obiektu {facility},] teraz nie odpowiada[ (ostatnio słyszany {since})]. Spróbuj ponownie, nic nie stanie się dwa razy; albo wyślij klienta tam.",
        ru="Сервер, который может это сделать[ ({facility})], сейчас не отвечает[ (последний раз {since})]. Повторите: дважды ничего не произойдёт; или направьте клиента туда.",
        it="Il server che può farlo[, quello di {facility},] ora non risponde[ (sentito l'ultima volta {since})]. Riprova: nulla avviene due volte; oppure manda lì il cliente.",
        de="Der Server, der das kann[, der von {facility},] antwortet gerade nicht[ (zuletzt gehört {since})]. Versuchen Sie es erneut, nichts geschieht doppelt; oder schicken Sie den Gast dorthin.",
    ),
    Reason.KEY_NOT_VOUCHED: Sentence(
        en="Nobody has announced this key, or not everybody has vouched for it[; missing: {missing}]. Compare its words by telephone, then vouch.",
        pl="Nikt nie zapowiedział tego klucza albo nie wszyscy za niego poręczyli[; brakuje: {missing}]. Porównaj jego słowa przez telefon, potem poręcz.",
        ru="Этот ключ никто не объявил, или не все за него поручились[; не хватает: {missing}]. Сверьте его слова по телефону, затем поручитесь.",
        it="Nessuno ha annunciato questa chiave, o non tutti hanno garantito per essa[; mancano: {missing}]. Confronta le sue parole al telefono, poi garantisci.",
        de="Niemand hat diesen Schlüssel angekündigt, oder nicht alle haben für ihn gebürgt[; es fehlen: {missing}]. Vergleichen Sie seine Wörter am Telefon, dann bürgen Sie.",
    ),
    Reason.CARD_NEEDED_BACK: Sentence(
        en="The server of the seller[, {facility},] does not answer[ (last heard {since})]. Money can go out now only for tickets of one card that comes back too: tick that card, or ask again later.",
        pl="Serwer sprzedawcy[, {facility},] nie odpowiada[ (ostatnio słyszany {since})]. Teraz można wypłacić tylko za bilety z jednej karty, którą klient też oddaje: zaznacz tę kartę albo ponów później.",
        ru="Сервер продавца[ ({facility})] не отвечает[ (последний раз {since})]. Сейчас можно вернуть деньги только за билеты одной карты, которую тоже сдают: отметьте эту карту или повторите позже.",
        it="Il server del venditore[, {facility},] non risponde[ (sentito l'ultima volta {since})]. Ora si rimborsano solo i biglietti di una tessera che viene anch'essa restituita: selezionala, o riprova più tardi.",
        de="Der Server des Verkäufers[, {facility},] antwortet nicht[ (zuletzt gehört {since})]. Erstattet werden jetzt nur Tickets einer Karte, die mit zurückkommt: Karte ankreuzen oder später erneut fragen.",
    ),
    Reason.ALONE_LIMIT: Sentence(
        en="The server[ of {facility}] that can do this does not answer[ (last heard {since})], and the partners' agreement lets no more be done without it[: {left_minor} of {limit_minor} for this card are left][: {limit} cards a day]. Call there, or ask again when it answers.",
        pl="Serwer[ obiektu {facility}], który może to zrobić, nie odpowiada[ (ostatnio słyszany {since})], a umowa partnerów nie pozwala bez niego na więcej[: dla tej karty zostało {left_minor} z {limit_minor}][: {limit} kart dziennie]. Zadzwoń tam albo ponów, gdy odpowie.",
        ru="Сервер[ ({facility})], который может это сделать, не отвечает[ (последний раз {since})], а договор партнёров не разрешает без него большего[: для этой карты осталось {left_minor} из {limit_minor}][: {limit} карт в день]. Позвоните туда или повторите, когда он ответит.",
        it="Il server[ di {facility}] che può farlo non risponde[ (sentito l'ultima volta {since})], e l'accordo tra i soci non permette altro senza di lui[: per questa tessera restano {left_minor} su {limit_minor}][: {limit} tessere al giorno]. Telefona lì, o riprova quando risponde.",
        de="Der Server[ von {facility}], der das kann, antwortet nicht[ (zuletzt gehört {since})], und mehr erlaubt die Vereinbarung der Partner ohne ihn nicht[: für diese Karte bleiben {left_minor} von {limit_minor}][: {limit} Karten am Tag]. Rufen Sie dort an, oder fragen Sie erneut, wenn er antwortet.",
    ),
}
