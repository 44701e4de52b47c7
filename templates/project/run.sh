{% match project.use_case %}
{%- when UseCase::Credit -%}
{% include "project/credit/run.sh" %}
{%- when UseCase::Medical -%}
{% include "project/medical/run.sh" %}
{%- when UseCase::Content -%}
{% include "project/content/run.sh" %}
{%- when UseCase::Game -%}
{% include "project/game/run.sh" %}
{%- when UseCase::Biometric -%}
{% include "project/biometric/run.sh" %}
{%- when UseCase::Dao -%}
{% include "project/dao/run.sh" %}
{%- when UseCase::Trading -%}
{% include "project/trading/run.sh" %}
{%- when UseCase::Plain %}
{%- endmatch %}
