*** Settings ***
Documentation       Reads a folder of invoices (CSV and JSON), checks each invoice, totals the accepted ones by supplier,
...                 lists the rejected ones with a reason, and writes a report.
Library             InvoiceLibrary.py
Library             casare_rpa.robot.keywords
Suite Setup         Find The Invoices

*** Variables ***
${folder}           ${CURDIR}${/}data
${report}           ${OUTPUT_DIR}${/}report.md

*** Test Cases ***
Check Every Invoice
    VAR    ${count}    ${{ len($FILES) }}
    FOR    ${index}    ${file}    IN ENUMERATE    @{FILES}    start=1
        Check Invoice    ${file}
        Report Progress    ${{ 90 * $index / $count }}    ${index} of ${count}: ${{ $file.name }}
    END

Write The Report
    ${result} =    Write Report    ${report}
    Set Job Result    ${result}
    Report Progress    100    report written

*** Keywords ***
Find The Invoices
    ${files} =    Find Invoice Files    ${folder}
    Log    ${{ len($files) }} files in ${folder}
    VAR    ${FILES}    ${files}    scope=SUITE

Check Invoice
    [Documentation]    An invalid invoice does not fail the job: the report lists it with the reason.
    [Arguments]    ${file}
    ${reason} =    Read And Validate    ${file}
    IF    $reason is None
        Log    ${{ $file.name }}: accepted
    ELSE
        Log    ${{ $file.name }}: rejected, ${reason}    level=WARN
    END
