"""Words of the reasons that capacity and lockers give."""

from __future__ import annotations

from karnet.kernel.reasons import Reason
from karnet.kernel.sentences import Sentence

CAPACITY: dict[Reason, Sentence] = {
    Reason.UNKNOWN_RESOURCE: Sentence(
        en="There is nothing of this kind to book here. Look again for what is on sale.",
        pl="Nie ma tu niczego takiego do zarezerwowania. Sprawdź jeszcze raz, co jest w sprzedaży.",
        ru="Здесь нет ничего такого для бронирования. Проверьте ещё раз, что продаётся.",
        it="Qui non c'è nulla di simile da prenotare. Ricontrolla che cosa è in vendita.",
        de="So etwas kann man hier nicht buchen. Sehen Sie nach, was im Verkauf ist.",
    ),
    Reason.UNKNOWN_ALLOTMENT: Sentence(
        en="There is no allotment[ {allotment}]. Look again, or grant it first.",
        pl="Nie ma takiej puli miejsc[ {allotment}]. Sprawdź ponownie albo najpierw ją przydziel.",
        ru="Такой квоты[ {allotment}] нет. Проверьте ещё раз или сначала выделите её.",
        it="Questo contingente[ {allotment}] non c'è. Ricontrolla, o assegnalo prima.",
        de="Dieses Kontingent[ {allotment}] gibt es nicht. Sehen Sie nach, oder vergeben Sie es zuerst.",
    ),
    Reason.NO_ROOM_LEFT: Sentence(
        en="There is no room left for so many[: {left} are free]. Take fewer, or choose something else.",
        pl="Nie ma już tylu miejsc[: wolne są {left}]. Weź mniej albo wybierz coś innego.",
        ru="Столько мест уже нет[: свободно {left}]. Возьмите меньше или выберите другое.",
        it="Non ci sono più così tanti posti[: liberi {left}]. Prendine di meno o scegli altro.",
        de="So viele Plätze sind nicht mehr frei[: noch {left}]. Nehmen Sie weniger, oder wählen Sie etwas anderes.",
    ),
    Reason.PLACE_TAKEN: Sentence(
        en="[{place}: ]somebody has this place already. Choose another one.",
        pl="[{place}: ]to miejsce jest już zajęte. Wybierz inne.",
        ru="[{place}: ]это место уже занято. Выберите другое.",
        it="[{place}: ]questo posto è già occupato. Scegline un altro.",
        de="[{place}: ]dieser Platz ist schon vergeben. Wählen Sie einen anderen.",
    ),
    Reason.UNKNOWN_PLACE: Sentence(
        en="There is no such place[: {place}]. Look again at the plan.",
        pl="Nie ma takiego miejsca[: {place}]. Sprawdź jeszcze raz na planie.",
        ru="Такого места нет[: {place}]. Проверьте ещё раз по плану.",
        it="Questo posto non c'è[: {place}]. Ricontrolla sulla pianta.",
        de="Diesen Platz gibt es nicht[: {place}]. Sehen Sie noch einmal auf den Plan.",
    ),
    Reason.UNKNOWN_CLAIM: Sentence(
        en="This place is not booked any more. Nothing was changed; look again.",
        pl="To miejsce nie jest już zarezerwowane. Nic nie zmieniono; sprawdź ponownie.",
        ru="Это место больше не забронировано. Ничего не изменено; проверьте ещё раз.",
        it="Questo posto non è più prenotato. Nulla è cambiato; ricontrolla.",
        de="Dieser Platz ist nicht mehr gebucht. Nichts wurde geändert; sehen Sie noch einmal nach.",
    ),
    Reason.HOLD_ENDED: Sentence(
        en="The places were held for a while, and that is over. Choose again.",
        pl="Miejsca były trzymane przez pewien czas, który minął. Wybierz ponownie.",
        ru="Места удерживались некоторое время, и оно истекло. Выберите ещё раз.",
        it="I posti erano tenuti per un certo tempo, ormai trascorso. Scegli di nuovo.",
        de="Die Plätze waren eine Zeit lang vorgemerkt, und die ist vorbei. Wählen Sie noch einmal.",
    ),
    Reason.UNKNOWN_LOCKER: Sentence(
        en="There is no locker[ {locker}] here. Check the number.",
        pl="Nie ma tu szafki[ {locker}]. Sprawdź numer.",
        ru="Шкафчика[ {locker}] здесь нет. Проверьте номер.",
        it="Qui non c'è l'armadietto[ {locker}]. Controlla il numero.",
        de="Den Spind[ {locker}] gibt es hier nicht. Prüfen Sie die Nummer.",
    ),
    Reason.UNKNOWN_SECTION: Sentence(
        en="There is no section of lockers[ {section}] here. Check its name, or set it up first.",
        pl="Nie ma tu sekcji szafek[ {section}]. Sprawdź nazwę albo najpierw ją załóż.",
        ru="Секции шкафчиков[ {section}] здесь нет. Проверьте название или сначала создайте её.",
        it="Qui non c'è la sezione di armadietti[ {section}]. Controlla il nome o creala prima.",
        de="Den Spindbereich[ {section}] gibt es hier nicht. Prüfen Sie den Namen, oder legen Sie ihn zuerst an.",
    ),
    Reason.UNKNOWN_READER: Sentence(
        en="This reader serves no section of lockers. Ask the staff; they have to set it up.",
        pl="Ten czytnik nie obsługuje żadnej sekcji szafek. Zapytaj obsługę; musi go ustawić.",
        ru="Этот считыватель не относится ни к одной секции шкафчиков. Обратитесь к персоналу: его надо настроить.",
        it="Questo lettore non serve nessuna sezione di armadietti. Chiedi al personale: va configurato.",
        de="Dieser Leser bedient keinen Spindbereich. Fragen Sie das Personal; er muss eingerichtet werden.",
    ),
    Reason.LOCKERS_FULL: Sentence(
        en="All lockers of section[ {section}] are taken. Please go to[ {other}] another section.",
        pl="Wszystkie szafki w sekcji[ {section}] są zajęte. Proszę przejść do[ {other},] innej sekcji.",
        ru="Все шкафчики в секции[ {section}] заняты. Пройдите, пожалуйста, в[ {other},] другую секцию.",
        it="Tutti gli armadietti della sezione[ {section}] sono occupati. Vai in[ {other},] un'altra sezione.",
        de="Alle Spinde im Bereich[ {section}] sind belegt. Bitte gehen Sie zu[ {other},] einem anderen Bereich.",
    ),
    Reason.LOCKER_TAKEN: Sentence(
        en="Your locker[ {locker}][ in section {section}] is still taken. Clear it, touch the reader there and give it up.",
        pl="Twoja szafka[ {locker}][ w sekcji {section}] jest jeszcze zajęta. Opróżnij ją i zwolnij ją przy czytniku.",
        ru="Ваш шкафчик[ {locker}][ в секции {section}] ещё занят. Освободите его и сдайте у считывателя.",
        it="Il tuo armadietto[ {locker}][ nella sezione {section}] è ancora occupato. Svuotalo e liberalo al lettore.",
        de="Ihr Spind[ {locker}][ im Bereich {section}] ist noch belegt. Räumen Sie ihn aus, und geben Sie ihn am Leser frei.",
    ),
    Reason.LOCKER_ELSEWHERE: Sentence(
        en="Your locker is[ {locker}] in section[ {section}]. Please go there.",
        pl="Twoja szafka to[ {locker}] w sekcji[ {section}]. Przejdź tam, proszę.",
        ru="Ваш шкафчик —[ {locker}] в секции[ {section}]. Пройдите, пожалуйста, туда.",
        it="Il tuo armadietto è[ {locker}] nella sezione[ {section}]. Vai lì, per favore.",
        de="Ihr Spind ist[ {locker}] im Bereich[ {section}]. Bitte gehen Sie dorthin.",
    ),
    Reason.LOCKER_BLOCKED: Sentence(
        en="Locker[ {locker}] is blocked. Please ask the staff.",
        pl="Szafka[ {locker}] jest zablokowana. Zapytaj obsługę.",
        ru="Шкафчик[ {locker}] заблокирован. Обратитесь к персоналу.",
        it="L'armadietto[ {locker}] è bloccato. Rivolgiti al personale.",
        de="Der Spind[ {locker}] ist gesperrt. Bitte fragen Sie das Personal.",
    ),
    Reason.LOCKER_FREE: Sentence(
        en="Locker[ {locker}] is free already. Nothing needs to be done.",
        pl="Szafka[ {locker}] jest już wolna. Nic nie trzeba robić.",
        ru="Шкафчик[ {locker}] уже свободен. Ничего делать не нужно.",
        it="L'armadietto[ {locker}] è già libero. Non occorre fare nulla.",
        de="Der Spind[ {locker}] ist schon frei. Es ist nichts zu tun.",
    ),
    Reason.NOT_BLOCKED_LOCKER: Sentence(
        en="Locker[ {locker}] is not blocked. Nothing needs to be done.",
        pl="Szafka[ {locker}] nie jest zablokowana. Nic nie trzeba robić.",
        ru="Шкафчик[ {locker}] не заблокирован. Ничего делать не нужно.",
        it="L'armadietto[ {locker}] non è bloccato. Non occorre fare nulla.",
        de="Der Spind[ {locker}] ist nicht gesperrt. Es ist nichts zu tun.",
    ),
    Reason.NO_LOCKER: Sentence(
        en="This band has no locker. Touch the reader of a section to get one.",
        pl="Ten pasek nie ma szafki. Przyłóż go do czytnika sekcji, aby ją dostać.",
        ru="За этим браслетом нет шкафчика. Приложите его к считывателю секции, чтобы получить его.",
        it="Questo braccialetto non ha un armadietto. Avvicinalo al lettore di una sezione per averne uno.",
        de="Dieses Armband hat keinen Spind. Halten Sie es an den Leser eines Bereichs, um einen zu bekommen.",
    ),
}
