"""Words of the reasons that agreements and settlements give."""

from __future__ import annotations

from karnet.kernel.reasons import Reason
from karnet.kernel.sentences import Sentence

SETTLEMENT: dict[Reason, Sentence] = {
    Reason.NO_AGREEMENT: Sentence(
        en="No agreement is in force for this. Publish one, or choose another day.",
        pl="Nie obowiązuje żadna umowa. Opublikuj umowę albo wybierz inny dzień.",
        ru="Нет действующего соглашения. Опубликуйте его или выберите другой день.",
        it="Nessun accordo è in vigore. Pubblicane uno o scegli un altro giorno.",
        de="Dafür gilt keine Vereinbarung. Veröffentlichen Sie eine oder wählen Sie einen anderen Tag.",
    ),
    Reason.PERIOD_CLOSED: Sentence(
        en="This period is closed. What arrives late appears in the next period.",
        pl="Ten okres jest zamknięty. To, co przyjdzie później, znajdzie się w następnym.",
        ru="Этот период закрыт. Опоздавшее войдёт в следующий период.",
        it="Questo periodo è chiuso. Quanto arriva dopo compare nel prossimo.",
        de="Dieser Zeitraum ist abgeschlossen. Was später kommt, erscheint im nächsten.",
    ),
    Reason.UNKNOWN_CUT: Sentence(
        en="The record does not reach that far. Choose a cut that is sealed here.",
        pl="Zapis nie sięga tak daleko. Wybierz granicę, która jest tu zapieczętowana.",
        ru="Записей до этой границы здесь ещё нет. Выберите границу, которая здесь скреплена.",
        it="Il registro non arriva fin lì. Scegli un limite già sigillato qui.",
        de="Die Aufzeichnung reicht nicht so weit. Wählen Sie einen Stand, der hier versiegelt ist.",
    ),
    Reason.NOTHING_TO_CLOSE: Sentence(
        en="There is nothing new to close. Wait until something has been recorded.",
        pl="Nie ma nic nowego do zamknięcia. Poczekaj na nowe zapisy.",
        ru="Закрывать нечего: нового нет. Дождитесь новых записей.",
        it="Non c'è nulla di nuovo da chiudere. Attendi nuove registrazioni.",
        de="Es gibt nichts Neues abzuschließen. Warten Sie, bis etwas aufgezeichnet ist.",
    ),
    Reason.AGREEMENT_OVERLAPS: Sentence(
        en="Another agreement[ ({season})] is in force[ until {until}]. Choose days that it does not cover.",
        pl="Obowiązuje inna umowa[ ({season})][ do {until}]. Wybierz dni, których nie obejmuje.",
        ru="Действует другое соглашение[ ({season})][ до {until}]. Выберите дни, которых оно не охватывает.",
        it="È in vigore un altro accordo[ ({season})][ fino al {until}]. Scegli giorni che non copre.",
        de="Eine andere Vereinbarung[ ({season})] gilt[ bis {until}]. Wählen Sie Tage, die sie nicht umfasst.",
    ),
    Reason.NEEDS_SIGNATURES: Sentence(
        en="Members of other servers[ ({members})] have to sign it. Propose the text, and let every member sign.",
        pl="Muszą ją podpisać członkowie z innych serwerów[ ({members})]. Zaproponuj tekst i zbierz podpisy wszystkich.",
        ru="Её должны подписать участники с других серверов[ ({members})]. Предложите текст и соберите все подписи.",
        it="Devono firmarlo membri di altri server[ ({members})]. Proponi il testo e raccogli tutte le firme.",
        de="Mitglieder anderer Server[ ({members})] müssen sie unterschreiben. Schlagen Sie den Text allen Mitgliedern vor.",
    ),
    Reason.TEXT_DIFFERS: Sentence(
        en="This is not the text that would be signed. Read the agreement again, then sign.",
        pl="To nie jest tekst, który zostałby podpisany. Przeczytaj umowę jeszcze raz i dopiero podpisz.",
        ru="Это не тот текст, который был бы подписан. Прочитайте соглашение ещё раз, затем подпишите.",
        it="Non è il testo che verrebbe firmato. Rileggi l'accordo, poi firma.",
        de="Das ist nicht der Text, der unterschrieben würde. Lesen Sie die Vereinbarung noch einmal.",
    ),
    Reason.NOT_A_MEMBER: Sentence(
        en="The facility is no member of the agreement[ {season}]. Only members sign it.",
        pl="Obiekt nie jest członkiem umowy[ {season}]. Podpisują ją tylko członkowie.",
        ru="Объект не участвует в соглашении[ {season}]. Его подписывают только участники.",
        it="La struttura non è membro dell'accordo[ {season}]. Lo firmano solo i membri.",
        de="Der Betrieb ist kein Mitglied der Vereinbarung[ {season}]. Nur Mitglieder unterschreiben.",
    ),
    Reason.NOT_A_MANAGER: Sentence(
        en="Only a manager of the facility[ {facility}] signs for it, on its own server.",
        pl="Za obiekt[ {facility}] podpisuje tylko jego kierownik, na własnym serwerze obiektu.",
        ru="За объект[ {facility}] подписывает только его руководитель, на сервере этого объекта.",
        it="Per la struttura[ {facility}] firma solo un suo responsabile, sul server della struttura.",
        de="Für den Betrieb[ {facility}] unterschreibt nur seine Leitung, auf dem eigenen Server.",
    ),
    Reason.ALREADY_SIGNED: Sentence(
        en="It has been signed for this facility[ ({facility})] already. Nothing more to do.",
        pl="Za ten obiekt[ ({facility})] już podpisano. Nie trzeba nic więcej robić.",
        ru="За этот объект[ ({facility})] уже подписано. Больше ничего не нужно.",
        it="Per questa struttura[ ({facility})] è già stato firmato. Non serve altro.",
        de="Für diesen Betrieb[ ({facility})] ist schon unterschrieben. Es ist nichts mehr zu tun.",
    ),
}
