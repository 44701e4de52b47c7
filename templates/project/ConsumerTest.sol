{% match project.use_case %}
{%- when UseCase::Plain -%}
{% include "project/plain/ConsumerTest.sol" %}
{%- when UseCase::Credit -%}
{% include "project/credit/ConsumerTest.sol" %}
{%- when UseCase::Medical -%}
{% include "project/medical/ConsumerTest.sol" %}
{%- when UseCase::Content -%}
{% include "project/content/ConsumerTest.sol" %}
{%- when UseCase::Game -%}
{% include "project/game/ConsumerTest.sol" %}
{%- when UseCase::Biometric -%}
{% include "project/biometric/ConsumerTest.sol" %}
{%- when UseCase::Dao -%}
{% include "project/dao/ConsumerTest.sol" %}
{%- when UseCase::Trading -%}
{% include "project/trading/ConsumerTest.sol" %}
{%- endmatch %}
