{% match project.use_case %}
{%- when UseCase::Plain -%}
{% include "project/plain/Consumer.sol" %}
{%- when UseCase::Credit -%}
{% include "project/credit/Consumer.sol" %}
{%- when UseCase::Medical -%}
{% include "project/medical/Consumer.sol" %}
{%- when UseCase::Content -%}
{% include "project/content/Consumer.sol" %}
{%- when UseCase::Game -%}
{% include "project/game/Consumer.sol" %}
{%- when UseCase::Biometric -%}
{% include "project/biometric/Consumer.sol" %}
{%- when UseCase::Dao -%}
{% include "project/dao/Consumer.sol" %}
{%- when UseCase::Trading -%}
{% include "project/trading/Consumer.sol" %}
{%- endmatch %}
