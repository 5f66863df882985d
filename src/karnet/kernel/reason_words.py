"""Every reason in five languages: what happened, then what to do (SPEC X3, X5).

A sentence may name facts in braces: `{until}`. A stretch in square brackets is left out when one of its facts is
missing, so a refusal that knows less still reads well. Facts are put into words by their names and looks:
`…_minor` is an amount in minor units of the fact `currency`; a text such as 2026-01-31T08:00:00Z is an instant.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from karnet.kernel.decimals import money
from karnet.kernel.outcomes import Fact, Refused
from karnet.kernel.reason_words_capacity import CAPACITY
from karnet.kernel.reason_words_common_card import COMMON_CARD
from karnet.kernel.reason_words_passes import PASSES
from karnet.kernel.reason_words_settlement import SETTLEMENT
from karnet.kernel.reason_words_stays import STAYS
from karnet.kernel.reasons import Reason
from karnet.kernel.sentences import Sentence
from karnet.kernel.time import zone

LANGUAGES = Sentence._fields

WORDS: dict[Reason, Sentence] = {
    # journal
    Reason.KEY_REUSED: Sentence(
        en="The request key[ {key}] was already used for something else. Send the new request under a new key.",
        pl="Klucz żądania[ {key}] był już użyty do czegoś innego. Wyślij nowe żądanie pod nowym kluczem.",
        ru="Ключ запроса[ {key}] уже использован для другого. Отправьте новый запрос с новым ключом.",
        it="La chiave della richiesta[ {key}] è già stata usata per altro. Invia la nuova richiesta con una chiave nuova.",
        de="Der Anfrageschlüssel[ {key}] wurde schon für etwas anderes benutzt. Senden Sie die Anfrage mit neuem Schlüssel.",
    ),
    Reason.CONFLICT: Sentence(
        en="Someone changed the same thing at the same moment. Nothing was done; look again and repeat.",
        pl="Ktoś zmienił to samo w tej samej chwili. Nic nie zrobiono; sprawdź ponownie i powtórz.",
        ru="Кто-то изменил то же самое в тот же момент. Ничего не сделано; проверьте и повторите.",
        it="Qualcuno ha modificato la stessa cosa nello stesso momento. Nulla è stato fatto; ricontrolla e ripeti.",
        de="Jemand hat im selben Moment dasselbe geändert. Es wurde nichts getan; bitte prüfen und wiederholen.",
    ),
    Reason.UNKNOWN_ACTOR: Sentence(
        en="Whoever asks[ ({actor})] is not enrolled here. Check the id, or enrol it first.",
        pl="Wykonujący[ ({actor})] nie jest tu zarejestrowany. Sprawdź identyfikator albo najpierw go zarejestruj.",
        ru="Исполнитель[ ({actor})] здесь не зарегистрирован. Проверьте идентификатор или сначала зарегистрируйте его.",
        it="Chi agisce[ ({actor})] non è registrato qui. Controlla l'identificativo o registralo prima.",
        de="Der Handelnde[ ({actor})] ist hier nicht angemeldet. Prüfen Sie die Kennung oder melden Sie ihn zuerst an.",
    ),
    Reason.ACTOR_RETIRED: Sentence(
        en="Whoever asks[ ({actor})] has been retired. Use one that is still active.",
        pl="Wykonujący[ ({actor})] został wycofany. Użyj innego, który nadal działa.",
        ru="Исполнитель[ ({actor})] выведен из работы. Используйте действующего.",
        it="Chi agisce[ ({actor})] è stato ritirato. Usane uno ancora attivo.",
        de="Der Handelnde[ ({actor})] ist außer Dienst. Benutzen Sie einen, der noch im Dienst ist.",
    ),
    # parties
    Reason.UNKNOWN_FACILITY: Sentence(
        en="There is no facility[ {facility}]. Check the code, or enrol the facility first.",
        pl="Nie ma obiektu[ {facility}]. Sprawdź kod albo najpierw zarejestruj obiekt.",
        ru="Нет объекта[ {facility}]. Проверьте код или сначала зарегистрируйте объект.",
        it="L'impianto[ {facility}] non esiste. Controlla il codice o registralo prima.",
        de="Es gibt keine Anlage[ {facility}]. Prüfen Sie den Code oder melden Sie die Anlage zuerst an.",
    ),
    Reason.UNKNOWN_SALES_POINT: Sentence(
        en="There is no sales point[ {sales_point}]. Check the code, or enrol the sales point first.",
        pl="Nie ma punktu sprzedaży[ {sales_point}]. Sprawdź kod albo najpierw zarejestruj punkt.",
        ru="Нет места продажи[ {sales_point}]. Проверьте код или сначала зарегистрируйте место продажи.",
        it="Il punto vendita[ {sales_point}] non esiste. Controlla il codice o registralo prima.",
        de="Es gibt keine Verkaufsstelle[ {sales_point}]. Prüfen Sie den Code oder melden Sie sie zuerst an.",
    ),
    Reason.ALREADY_EXISTS: Sentence(
        en="The code[ {code}] is already taken. Choose another, or use what exists.",
        pl="Kod[ {code}] jest już zajęty. Wybierz inny albo użyj tego, co istnieje.",
        ru="Код[ {code}] уже занят. Выберите другой или используйте существующее.",
        it="Il codice[ {code}] è già in uso. Scegline un altro o usa quello esistente.",
        de="Der Code[ {code}] ist schon vergeben. Wählen Sie einen anderen oder nehmen Sie das Vorhandene.",
    ),
    Reason.BAD_VALUE: Sentence(
        en="A value is not acceptable[: {field}]. Correct it and try again.",
        pl="Wartość jest niedopuszczalna[: {field}]. Popraw ją i spróbuj ponownie.",
        ru="Недопустимое значение[: {field}]. Исправьте его и повторите.",
        it="Un valore non è ammesso[: {field}]. Correggilo e riprova.",
        de="Ein Wert ist nicht zulässig[: {field}]. Berichtigen Sie ihn und versuchen Sie es erneut.",
    ),
    # catalogue
    Reason.UNKNOWN_PRODUCT: Sentence(
        en="There is no product[ {product}]. Check the code in the price list.",
        pl="Nie ma produktu[ {product}]. Sprawdź kod w cenniku.",
        ru="Нет товара[ {product}]. Проверьте код в прейскуранте.",
        it="Il prodotto[ {product}] non esiste. Controlla il codice nel listino.",
        de="Es gibt kein Produkt[ {product}]. Prüfen Sie den Code in der Preisliste.",
    ),
    Reason.NOT_ON_SALE: Sentence(
        en="The product[ {product}] is not on sale now. Choose one of the current price list.",
        pl="Produkt[ {product}] nie jest teraz w sprzedaży. Wybierz produkt z bieżącego cennika.",
        ru="Товар[ {product}] сейчас не продаётся. Выберите товар из действующего прейскуранта.",
        it="Il prodotto[ {product}] ora non è in vendita. Scegline uno del listino attuale.",
        de="Das Produkt[ {product}] ist derzeit nicht im Verkauf. Wählen Sie eines der aktuellen Preisliste.",
    ),
    Reason.UNKNOWN_CATEGORY: Sentence(
        en="The product[ {product}] has no price for the category[ {category}]. Choose a category of its price list.",
        pl="Produkt[ {product}] nie ma ceny dla kategorii[ {category}]. Wybierz kategorię z cennika.",
        ru="У товара[ {product}] нет цены для категории[ {category}]. Выберите категорию из прейскуранта.",
        it="Il prodotto[ {product}] non ha un prezzo per la categoria[ {category}]. Scegli una categoria del listino.",
        de="Das Produkt[ {product}] hat keinen Preis für die Kategorie[ {category}]. Wählen Sie eine der Preisliste.",
    ),
    # accounts
    Reason.INSUFFICIENT_FUNDS: Sentence(
        en="There is not enough on the account[: {available_minor} of {needed_minor}]. Top it up or pay another way.",
        pl="Za mało środków na koncie[: {available_minor} z {needed_minor}]. Doładuj je albo zapłać inaczej.",
        ru="На счёте недостаточно средств[: {available_minor} из {needed_minor}]. Пополните его или оплатите иначе.",
        it="Il conto non basta[: {available_minor} su {needed_minor}]. Ricaricalo o paga in altro modo.",
        de="Das Guthaben reicht nicht[: {available_minor} von {needed_minor}]. Laden Sie auf oder zahlen Sie anders.",
    ),
    # media and entitlements
    Reason.UNKNOWN_MEDIUM: Sentence(
        en="This card is not known here[ ({number})]. Hold it to the reader again, or ask at the ticket office.",
        pl="Ta karta nie jest tu znana[ ({number})]. Przyłóż ją ponownie albo zapytaj w kasie.",
        ru="Эта карта здесь неизвестна[ ({number})]. Приложите её ещё раз или обратитесь в кассу.",
        it="Questa tessera non è conosciuta qui[ ({number})]. Avvicinala di nuovo o chiedi alla cassa.",
        de="Diese Karte ist hier unbekannt[ ({number})]. Halten Sie sie erneut an den Leser oder fragen Sie an der Kasse.",
    ),
    Reason.MEDIUM_BLOCKED: Sentence(
        en="This card is blocked. Please go to the ticket office.",
        pl="Ta karta jest zablokowana. Zgłoś się do kasy.",
        ru="Эта карта заблокирована. Обратитесь в кассу.",
        it="Questa tessera è bloccata. Rivolgiti alla cassa.",
        de="Diese Karte ist gesperrt. Bitte gehen Sie zur Kasse.",
    ),
    Reason.MEDIUM_RETURNED: Sentence(
        en="This card has been handed back. Buy a ticket on it, or on another card.",
        pl="Ta karta została zwrócona. Kup na nią bilet albo użyj innej karty.",
        ru="Эта карта была сдана. Купите на неё билет или используйте другую карту.",
        it="Questa tessera è stata restituita. Acquista un biglietto su questa o su un'altra tessera.",
        de="Diese Karte wurde zurückgegeben. Kaufen Sie ein Ticket darauf oder nehmen Sie eine andere Karte.",
    ),
    Reason.MEDIUM_REPLACED: Sentence(
        en="This card was replaced by a new one. Use the new card.",
        pl="Ta karta została wymieniona na nową. Użyj nowej karty.",
        ru="Эта карта заменена новой. Используйте новую карту.",
        it="Questa tessera è stata sostituita. Usa la tessera nuova.",
        de="Diese Karte wurde durch eine neue ersetzt. Benutzen Sie die neue Karte.",
    ),
    Reason.MEDIUM_IN_USE: Sentence(
        en="This card[ {number}] is in someone's hands already. Take another card, or have this one handed back first.",
        pl="Ta karta[ {number}] jest już u kogoś w użyciu. Weź inną kartę albo najpierw przyjmij jej zwrot.",
        ru="Эта карта[ {number}] уже у кого-то на руках. Возьмите другую карту или сначала примите возврат этой.",
        it="Questa tessera[ {number}] è già in uso. Prendine un'altra o fatti prima restituire questa.",
        de="Diese Karte[ {number}] ist schon ausgegeben. Nehmen Sie eine andere oder nehmen Sie diese erst zurück.",
    ),
    Reason.NOTHING_ON_MEDIUM: Sentence(
        en="There is no ticket on this card. Buy one at the ticket office, the machine or on the web.",
        pl="Na tej karcie nie ma biletu. Kup go w kasie, w automacie albo w internecie.",
        ru="На этой карте нет билета. Купите его в кассе, автомате или на сайте.",
        it="Su questa tessera non c'è alcun biglietto. Acquistalo alla cassa, alla biglietteria automatica o online.",
        de="Auf dieser Karte ist kein Ticket. Kaufen Sie eines an der Kasse, am Automaten oder im Internet.",
    ),
    Reason.UNKNOWN_ENTITLEMENT: Sentence(
        en="There is no such ticket[ ({entitlement})]. Check the number.",
        pl="Nie ma takiego biletu[ ({entitlement})]. Sprawdź numer.",
        ru="Такого билета нет[ ({entitlement})]. Проверьте номер.",
        it="Questo biglietto non esiste[ ({entitlement})]. Controlla il numero.",
        de="Dieses Ticket gibt es nicht[ ({entitlement})]. Prüfen Sie die Nummer.",
    ),
    Reason.ENTITLEMENT_BLOCKED: Sentence(
        en="This ticket is blocked. Please go to the ticket office.",
        pl="Ten bilet jest zablokowany. Zgłoś się do kasy.",
        ru="Этот билет заблокирован. Обратитесь в кассу.",
        it="Questo biglietto è bloccato. Rivolgiti alla cassa.",
        de="Dieses Ticket ist gesperrt. Bitte gehen Sie zur Kasse.",
    ),
    Reason.ENTITLEMENT_VOID: Sentence(
        en="This ticket was returned or cancelled. Buy a new one.",
        pl="Ten bilet został zwrócony lub anulowany. Kup nowy.",
        ru="Этот билет возвращён или аннулирован. Купите новый.",
        it="Questo biglietto è stato restituito o annullato. Acquistane uno nuovo.",
        de="Dieses Ticket wurde zurückgegeben oder storniert. Kaufen Sie ein neues.",
    ),
    Reason.NO_DEPOSIT: Sentence(
        en="No deposit lies on this card, so none can be paid back. Check the card number.",
        pl="Na tej karcie nie ma kaucji, więc nie można jej zwrócić. Sprawdź numer karty.",
        ru="За эту карту нет залога, возвращать нечего. Проверьте номер карты.",
        it="Per questa tessera non c'è cauzione da rimborsare. Controlla il numero della tessera.",
        de="Auf dieser Karte liegt kein Pfand, also kann keines ausgezahlt werden. Prüfen Sie die Kartennummer.",
    ),
    Reason.NOT_BLOCKED: Sentence(
        en="That block does not lie on this card, or was lifted already. Nothing needs to be done.",
        pl="Tej blokady nie ma na karcie albo już ją zdjęto. Nic nie trzeba robić.",
        ru="Такой блокировки на карте нет или она уже снята. Ничего делать не нужно.",
        it="Questo blocco non c'è sulla tessera o è già stato tolto. Non occorre fare nulla.",
        de="Diese Sperre liegt nicht auf der Karte oder ist schon aufgehoben. Es ist nichts zu tun.",
    ),
    # validity
    Reason.NOT_YET_VALID: Sentence(
        en="This ticket is not valid yet[; it is from {valid_from}]. Come back then.",
        pl="Ten bilet nie jest jeszcze ważny[; będzie od {valid_from}]. Wróć wtedy.",
        ru="Этот билет ещё не действует[; он действует с {valid_from}]. Приходите позже.",
        it="Questo biglietto non è ancora valido[; lo sarà dal {valid_from}]. Torna allora.",
        de="Dieses Ticket gilt noch nicht[; es gilt ab {valid_from}]. Kommen Sie dann wieder.",
    ),
    Reason.EXPIRED: Sentence(
        en="This ticket has expired[ ({valid_until})]. Buy a new one at the ticket office, the machine or on the web.",
        pl="Ten bilet stracił ważność[ ({valid_until})]. Kup nowy w kasie, w automacie albo w internecie.",
        ru="Срок действия билета истёк[ ({valid_until})]. Купите новый в кассе, автомате или на сайте.",
        it="Questo biglietto è scaduto[ ({valid_until})]. Acquistane uno alla cassa, alla biglietteria automatica o online.",
        de="Dieses Ticket ist abgelaufen[ ({valid_until})]. Kaufen Sie ein neues an der Kasse, am Automaten oder im Internet.",
    ),
    Reason.DAYS_USED_UP: Sentence(
        en="All days of this ticket are used[ ({days})]. Buy a new one.",
        pl="Wszystkie dni tego biletu są wykorzystane[ ({days})]. Kup nowy.",
        ru="Все дни этого билета использованы[ ({days})]. Купите новый.",
        it="Tutti i giorni di questo biglietto sono stati usati[ ({days})]. Acquistane uno nuovo.",
        de="Alle Tage dieses Tickets sind verbraucht[ ({days})]. Kaufen Sie ein neues.",
    ),
    Reason.OUTSIDE_WINDOW: Sentence(
        en="This ticket does not open now[; the next entry is from {since}]. Come back within its hours.",
        pl="Ten bilet teraz nie otwiera[; następne wejście od {since}]. Wróć w jego godzinach.",
        ru="В это время билет не действует[; следующий вход с {since}]. Приходите в его часы.",
        it="Questo biglietto non vale in quest'orario[; prossimo ingresso dal {since}]. Torna negli orari previsti.",
        de="Dieses Ticket öffnet jetzt nicht[; nächster Einlass ab {since}]. Kommen Sie zu seinen Zeiten wieder.",
    ),
    Reason.NOT_VALID_HERE: Sentence(
        en="This ticket is not valid at this facility. Use it where it was sold for, or buy one for here.",
        pl="Ten bilet nie jest ważny w tym obiekcie. Użyj go tam, gdzie jest ważny, albo kup bilet na ten obiekt.",
        ru="Этот билет не действует на этом объекте. Используйте его там, где он действует, или купите билет сюда.",
        it="Questo biglietto non vale in questo impianto. Usalo dove è valido o acquistane uno per qui.",
        de="Dieses Ticket gilt in dieser Anlage nicht. Nutzen Sie es, wo es gilt, oder kaufen Sie eines für hier.",
    ),
    Reason.NOT_ENOUGH_POINTS: Sentence(
        en="Not enough points[: {available} left, {needed} needed]. Top up the card.",
        pl="Za mało punktów[: zostało {available}, potrzeba {needed}]. Doładuj kartę.",
        ru="Недостаточно баллов[: осталось {available}, нужно {needed}]. Пополните карту.",
        it="Punti insufficienti[: ne restano {available}, ne servono {needed}]. Ricarica la tessera.",
        de="Nicht genug Punkte[: {available} übrig, {needed} nötig]. Laden Sie die Karte auf.",
    ),
    # gates
    Reason.UNKNOWN_GATE: Sentence(
        en="There is no gate[ {gate}]. Check its code, or enrol it first.",
        pl="Nie ma bramki[ {gate}]. Sprawdź jej kod albo najpierw ją zarejestruj.",
        ru="Нет турникета[ {gate}]. Проверьте код или сначала зарегистрируйте его.",
        it="Il varco[ {gate}] non esiste. Controlla il codice o registralo prima.",
        de="Es gibt kein Drehkreuz[ {gate}]. Prüfen Sie den Code oder melden Sie es zuerst an.",
    ),
    Reason.GATE_CLOSED: Sentence(
        en="This gate is closed. Please use another.",
        pl="Ta bramka jest zamknięta. Skorzystaj z innej.",
        ru="Этот турникет закрыт. Воспользуйтесь другим.",
        it="Questo varco è chiuso. Usane un altro.",
        de="Dieses Drehkreuz ist geschlossen. Bitte benutzen Sie ein anderes.",
    ),
    Reason.PASSBACK: Sentence(
        en="This card has just passed here[; it opens again at {until}]. Please wait.",
        pl="Ta karta dopiero co tu przeszła[; otworzy ponownie o {until}]. Poczekaj.",
        ru="По этой карте здесь только что прошли[; следующий проход в {until}]. Подождите.",
        it="Questa tessera è appena passata qui[; riapre alle {until}]. Attendi.",
        de="Diese Karte ist gerade hier durchgegangen[; sie öffnet wieder um {until}]. Bitte warten.",
    ),
    Reason.NO_TERMS: Sentence(
        en="No agreement in force opens this gate[ {gate}] for this ticket. Use another gate, or ask the staff.",
        pl="Żadna obowiązująca umowa nie otwiera tej bramki[ {gate}] dla tego biletu. Użyj innej albo zapytaj obsługę.",
        ru="Нет действующего соглашения, открывающего этот турникет[ {gate}] для билета. Выберите другой или спросите персонал.",
        it="Nessun accordo in vigore apre questo varco[ {gate}] per il biglietto. Usane un altro o chiedi al personale.",
        de="Keine gültige Vereinbarung öffnet dieses Drehkreuz[ {gate}] für das Ticket. Nehmen Sie ein anderes oder fragen Sie.",
    ),
    Reason.UNKNOWN_GRANT: Sentence(
        en="There is no such release of a gate[ ({grant})]. Check the id that came with the verdict.",
        pl="Nie ma takiego zwolnienia bramki[ ({grant})]. Sprawdź identyfikator z odpowiedzi.",
        ru="Такого разрешения на проход нет[ ({grant})]. Проверьте идентификатор из ответа.",
        it="Questo sblocco del varco non esiste[ ({grant})]. Controlla l'identificativo ricevuto.",
        de="Diese Freigabe gibt es nicht[ ({grant})]. Prüfen Sie die Kennung aus der Antwort.",
    ),
    Reason.GRANT_ENDED: Sentence(
        en="This release of the gate is over already. Hold the card to the reader again.",
        pl="To zwolnienie bramki już się zakończyło. Przyłóż kartę ponownie.",
        ru="Это разрешение на проход уже завершено. Приложите карту ещё раз.",
        it="Questo sblocco del varco è già concluso. Avvicina di nuovo la tessera.",
        de="Diese Freigabe ist schon beendet. Halten Sie die Karte erneut an den Leser.",
    ),
    Reason.TOO_MANY_REFUSALS: Sentence(
        en="This reader was refused too often[; it answers again at {until}]. Check the reader, or ask the staff.",
        pl="Ten czytnik zbyt często dostawał odmowę[; odpowie znów o {until}]. Sprawdź czytnik albo wezwij obsługę.",
        ru="Слишком много отказов на этом считывателе[; он ответит снова в {until}]. Проверьте его или позовите персонал.",
        it="Troppi rifiuti a questo lettore[; risponderà di nuovo alle {until}]. Controllalo o chiama il personale.",
        de="Dieser Leser wurde zu oft abgewiesen[; er antwortet wieder um {until}]. Prüfen Sie ihn oder fragen Sie das Personal.",
    ),
    # orders
    Reason.EMPTY_SALE: Sentence(
        en="There is nothing in this sale. Add at least one line.",
        pl="Ta sprzedaż jest pusta. Dodaj co najmniej jedną pozycję.",
        ru="В этой продаже ничего нет. Добавьте хотя бы одну позицию.",
        it="La vendita è vuota. Aggiungi almeno una riga.",
        de="Dieser Verkauf ist leer. Fügen Sie mindestens eine Position hinzu.",
    ),
    Reason.PAYMENT_MISMATCH: Sentence(
        en="The payments do not add up[: {paid_minor} of {total_minor}]. Correct the amounts.",
        pl="Płatności się nie zgadzają[: {paid_minor} z {total_minor}]. Popraw kwoty.",
        ru="Сумма оплат не сходится[: {paid_minor} из {total_minor}]. Исправьте суммы.",
        it="I pagamenti non tornano[: {paid_minor} su {total_minor}]. Correggi gli importi.",
        de="Die Zahlungen gehen nicht auf[: {paid_minor} von {total_minor}]. Berichtigen Sie die Beträge.",
    ),
    Reason.NO_OPEN_SHIFT: Sentence(
        en="No shift is open at this till. Open a shift first.",
        pl="Na tej kasie nie ma otwartej zmiany. Najpierw otwórz zmianę.",
        ru="На этой кассе нет открытой смены. Сначала откройте смену.",
        it="A questa cassa non c'è un turno aperto. Apri prima il turno.",
        de="An dieser Kasse ist keine Schicht offen. Öffnen Sie zuerst eine Schicht.",
    ),
    Reason.SHIFT_OPEN: Sentence(
        en="A shift is open already. Close it before you open another.",
        pl="Zmiana jest już otwarta. Zamknij ją, zanim otworzysz następną.",
        ru="Смена уже открыта. Закройте её, прежде чем открыть новую.",
        it="C'è già un turno aperto. Chiudilo prima di aprirne un altro.",
        de="Eine Schicht ist schon offen. Schließen Sie sie, bevor Sie eine neue öffnen.",
    ),
    Reason.UNKNOWN_ORDER: Sentence(
        en="There is no such order[ ({order})]. Check the number on the receipt.",
        pl="Nie ma takiego zamówienia[ ({order})]. Sprawdź numer na paragonie.",
        ru="Такого заказа нет[ ({order})]. Проверьте номер на чеке.",
        it="Questo ordine non esiste[ ({order})]. Controlla il numero sullo scontrino.",
        de="Diesen Auftrag gibt es nicht[ ({order})]. Prüfen Sie die Nummer auf dem Beleg.",
    ),
    Reason.ALREADY_RETURNED: Sentence(
        en="This was returned already. Nothing more can be paid back for it.",
        pl="To już zostało zwrócone. Nie można zwrócić tego ponownie.",
        ru="Это уже возвращено. Повторный возврат невозможен.",
        it="È già stato restituito. Non si può rimborsare altro.",
        de="Das wurde schon zurückgegeben. Mehr kann dafür nicht erstattet werden.",
    ),
    Reason.USED_CANNOT_RETURN: Sentence(
        en="This ticket has been used and cannot be returned. Ask a manager if it should be replaced.",
        pl="Ten bilet był użyty i nie można go zwrócić. Zapytaj kierownika, jeśli trzeba go wymienić.",
        ru="Этот билет уже использован и возврату не подлежит. Обратитесь к администратору, если нужна замена.",
        it="Questo biglietto è stato usato e non si può restituire. Chiedi al responsabile se va sostituito.",
        de="Dieses Ticket wurde benutzt und kann nicht zurückgegeben werden. Fragen Sie die Leitung nach Ersatz.",
    ),
    Reason.INVOICE_DATA_MISSING: Sentence(
        en="Data for the invoice are missing[: {field}]. Enter the buyer's name, address and tax number.",
        pl="Brakuje danych do faktury[: {field}]. Podaj nazwę, adres i numer podatkowy nabywcy.",
        ru="Не хватает данных для счёта[: {field}]. Укажите название, адрес и налоговый номер покупателя.",
        it="Mancano dati per la fattura[: {field}]. Inserisci nome, indirizzo e partita IVA dell'acquirente.",
        de="Angaben für die Rechnung fehlen[: {field}]. Geben Sie Name, Anschrift und Steuernummer des Käufers ein.",
    ),
    Reason.ALREADY_INVOICED: Sentence(
        en="This order has an invoice already[: {invoice}]. Print that one again.",
        pl="To zamówienie ma już fakturę[: {invoice}]. Wydrukuj ją ponownie.",
        ru="На этот заказ уже выставлен счёт[: {invoice}]. Распечатайте его ещё раз.",
        it="Questo ordine ha già una fattura[: {invoice}]. Ristampa quella.",
        de="Zu diesem Auftrag gibt es schon eine Rechnung[: {invoice}]. Drucken Sie diese noch einmal.",
    ),
    Reason.OTHER_CURRENCY: Sentence(
        en="The deposit of this card was taken in another currency[: {currency}]. Hand it in where that is paid out.",
        pl="Kaucję za tę kartę pobrano w innej walucie[: {currency}]. Zwróć kartę tam, gdzie się ją wypłaca.",
        ru="Залог за эту карту внесён в другой валюте[: {currency}]. Сдайте карту там, где её выплачивают.",
        it="La cauzione di questa carta è in un'altra valuta[: {currency}]. Restituiscila dove si paga quella.",
        de="Das Pfand dieser Karte ist in anderer Währung[: {currency}]. Geben Sie sie dort zurück, wo diese gilt.",
    ),
    # loyalty
    Reason.NO_RIGHT: Sentence(
        en="The card has no such discount[ for {product}]. Sell at the usual price, or look at what it has.",
        pl="Karta nie ma takiej zniżki[ na {product}]. Sprzedaj po zwykłej cenie albo sprawdź, co na niej jest.",
        ru="На карте нет такой скидки[ на {product}]. Продайте по обычной цене или посмотрите, что на ней есть.",
        it="La tessera non ha questo sconto[ per {product}]. Vendi al prezzo normale o guarda cosa contiene.",
        de="Die Karte hat keinen solchen Rabatt[ für {product}]. Verkaufen Sie zum üblichen Preis, oder sehen Sie nach.",
    ),
    Reason.RIGHT_USED: Sentence(
        en="This discount has been used already. Sell at the usual price.",
        pl="Ta zniżka została już wykorzystana. Sprzedaj po zwykłej cenie.",
        ru="Эта скидка уже использована. Продайте по обычной цене.",
        it="Questo sconto è già stato usato. Vendi al prezzo normale.",
        de="Dieser Rabatt ist schon eingelöst. Verkaufen Sie zum üblichen Preis.",
    ),
    # faces
    Reason.LIMIT_REACHED: Sentence(
        en="This is more than may still be sold today[: {left_minor} are left]. Sell less, or ask for a higher limit.",
        pl="To więcej, niż wolno jeszcze dziś sprzedać[: zostało {left_minor}]. Sprzedaj mniej albo poproś o wyższy limit.",
        ru="Это больше, чем сегодня ещё можно продать[: осталось {left_minor}]. Продайте меньше или попросите повысить лимит.",
        it="È più di quanto si può ancora vendere oggi[: restano {left_minor}]. Vendi di meno o chiedi un limite più alto.",
        de="Das ist mehr, als heute noch verkauft werden darf[: {left_minor} bleiben]. Verkaufen Sie weniger, oder bitten Sie um ein höheres Limit.",
    ),
    **COMMON_CARD,
    **STAYS,
    **SETTLEMENT,
    **CAPACITY,
    # passes and benefit cards
    **PASSES,
}


def words(refused: Refused, language: str, zone_name: str = "UTC", at: datetime | None = None) -> str:
    """Return a refusal as a sentence for people: what happened and what to do, in a language of LANGUAGES.

    `language` may carry a region ("pl-PL"); one that we do not speak gets English. Instants are shown by the wall
    clock of `zone_name`, unless the refusal's own fact `time_zone` names a zone: then by that one. Where `at` says when
    the sentence is read, instants of that day are told by the clock alone: "from 12:45".
    """
    spoken = language[:2].lower()
    spoken = spoken if spoken in LANGUAGES else "en"
    zone_name = str(refused.facts.get("time_zone", zone_name))
    currency = str(refused.facts.get("currency", ""))
    today = at.astimezone(zone(zone_name)).date() if at is not None else None
    facts = {name: _said(name, fact, spoken, zone_name, currency, today) for name, fact in refused.facts.items()}

    def optional(stretch: re.Match[str]) -> str:
        return _filled(stretch[1], facts) if _named(stretch[1]) <= facts.keys() else ""

    said = _filled(re.sub(r"\[([^]]*)\]", optional, getattr(WORDS[refused.reason], spoken)), facts)
    # Italian says "dal" before a day and "dalle" before an hour.
    return _before_an_hour.sub(r"\1dalle \2", said) if spoken == "it" else said


def placeholders(sentence: str) -> set[str]:
    """Return the names of the facts that a sentence may show."""
    return _named(sentence)


_fact = re.compile(r"\{(\w+)\}")
_before_an_hour = re.compile(r"(\b)dal (\d\d:\d\d)")
_instant = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_day = re.compile(r"\d{4}-\d\d-\d\d")
DAYS = {"en": "%Y-%m-%d", "pl": "%d.%m.%Y", "ru": "%d.%m.%Y", "it": "%d/%m/%Y", "de": "%d.%m.%Y"}
"""How a day is written. English readers disagree about day and month, so they get ISO 8601."""
NO_BREAK = "\u00a0"
"""Keeps an amount on one line."""
# Decimal sign and group sign.
_NUMBERS = {"en": (".", ","), "pl": (",", NO_BREAK), "ru": (",", NO_BREAK), "it": (",", "."), "de": (",", ".")}


def _named(text: str) -> set[str]:
    return set(_fact.findall(text))


def _filled(text: str, facts: dict[str, str]) -> str:
    return _fact.sub(lambda name: facts[name[1]], text)


def _said(name: str, fact: Fact, language: str, zone_name: str, currency: str, today: date | None) -> str:
    if name.endswith("_minor") and isinstance(fact, int):
        return amount(fact, currency, language)
    if isinstance(fact, str) and _instant.fullmatch(fact):
        # Python 3.11 reads the final Z.
        local = datetime.fromisoformat(fact).astimezone(zone(zone_name))
        seconds = "%H:%M:%S" if local.second else "%H:%M"
        return local.strftime(seconds if local.date() == today else f"{DAYS[language]} {seconds}")
    if isinstance(fact, str) and _day.fullmatch(fact):
        return date.fromisoformat(fact).strftime(DAYS[language])
    return str(fact)


def amount(minor: int, currency: str, language: str) -> str:
    """Return an amount as readers of a language write it, "1 234,50 PLN" in Polish; no currency, the number alone."""
    point, group = _NUMBERS[language]
    whole, separator, part = money(abs(minor), currency).partition(".")
    digits = f"{int(whole):,}".replace(",", group) + (point + part if separator else "")
    return ("−" if minor < 0 else "") + digits + (f"{NO_BREAK}{currency}" if currency else "")
