"""Text messages through the gateways that Chinese shops use, with their own SDKs: the extra `orderguard[sms]`.

    aliyunsms://KEY_ID:KEY_SECRET@SIGN/TEMPLATE/PHONE?vars=new,due
    tencentsms://SECRET_ID:SECRET_KEY@SIGN/TEMPLATE/PHONE?app=SDK_APP_ID&vars=new,due

Both gateways send approved templates only: `vars` names which figures of a notice fill the template's variables (by name
at Aliyun, by position at Tencent Cloud). One phone a target, so that a retry never texts somebody twice.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from orderguard.errors import OrderguardError, Problem, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES = {"aliyunsms": "alibabacloud_dysmsapi20170525", "tencentsms": "tencentcloud"}
_HOSTS = {"aliyunsms": "dysmsapi.aliyuncs.com", "tencentsms": "sms.tencentcloudapi.com"}
_PARTS = re.compile(r"/([\w-]+)/(\+?\d{6,15})/?")


class Sms(NamedTuple):
    """One phone behind one gateway, as its address says."""

    scheme: str
    key: str
    secret: str
    sign: str
    template: str
    phone: str
    names: tuple[str, ...]
    app: str
    region: str
    host: str
    protocol: str


def parse_sms(url: str) -> Sms | None:
    """An address of one of `SCHEMES`; None when a part is missing."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    key, _, secret = user.partition(":")
    found = _PARTS.fullmatch(parts.path)
    query = dict(parse_qsl(parts.query))
    if not (key and secret and place and found) or (parts.scheme == "tencentsms" and not query.get("app")):
        return None
    names = tuple(n.strip() for n in query.get("vars", "").split(",") if n.strip())
    host = query.get("endpoint") or _HOSTS[parts.scheme]
    return Sms(
        parts.scheme, unquote(key), unquote(secret), unquote(place), found[1], found[2], names, query.get("app", ""),
        query.get("region", "ap-guangzhou"), host, query.get("protocol", "https"),
    )  # fmt: skip


def check_sms(url: str, known: tuple[str, ...], label: str, where: str) -> None:
    """Refuse an address that cannot work.

    Raises:
        OrderguardError: a part is missing, a variable is not known, or the extra is not installed.
    """
    sms = parse_sms(url)
    wrong = [n for n in sms.names if n not in known] if sms else []
    if sms is None or wrong:
        what = Words(f"短信目标 {label} 写得不全或有误", f"the text message target {label} is not complete")
        listed = ",".join(known)
        fix = Words(
            f"写成 aliyunsms://密钥ID:密钥@签名/模板号/手机号?vars=new,due（vars 可用 {listed}；腾讯云另写 app=应用号）",
            f"write aliyunsms://KEY_ID:SECRET@SIGN/TEMPLATE/PHONE?vars=new,due (vars of {listed}; Tencent Cloud needs app= too)",
        )
        raise OrderguardError(Problem(what, where, fix=fix))
    if find_spec(SCHEMES[sms.scheme]) is None:
        what = Words(f"{sms.scheme} 需要另装组件", f"{sms.scheme} needs an extra")
        raise OrderguardError(
            Problem(what, where, fix=Words("pip install 'orderguard[sms]'", "pip install 'orderguard[sms]'"))
        )


def send_sms(url: str, facts: Mapping[str, Any], seconds: float) -> str:
    """Send one message; returns '' when the gateway took it, else its words.

    Args:
        url: of one of `SCHEMES`.
        facts: the figures of the notice, by name.
        seconds: to wait for the answer.
    """
    sms = parse_sms(url)
    if sms is None:
        return "not an address"
    values = {n: str(facts.get(n, "")) for n in sms.names}
    return _aliyun(sms, values, seconds) if sms.scheme == "aliyunsms" else _tencent(sms, values, seconds)


def _aliyun(sms: Sms, values: dict[str, str], seconds: float) -> str:
    from alibabacloud_dysmsapi20170525.client import Client  # noqa: PLC0415 - an extra, and slow to import
    from alibabacloud_dysmsapi20170525.models import SendSmsRequest  # noqa: PLC0415
    from alibabacloud_tea_openapi.models import Config  # noqa: PLC0415

    wait = int(seconds * 1000)
    config = Config(
        access_key_id=sms.key, access_key_secret=sms.secret, endpoint=sms.host, protocol=sms.protocol,
        connect_timeout=min(wait, 4000), read_timeout=wait,
    )  # fmt: skip
    request = SendSmsRequest(
        phone_numbers=sms.phone.removeprefix("+86"), sign_name=sms.sign, template_code=sms.template,
        template_param=json.dumps(values, ensure_ascii=False),
    )  # fmt: skip
    body = Client(config).send_sms(request).body
    return "" if body.code == "OK" else f"{body.code} {body.message}"


def _tencent(sms: Sms, values: dict[str, str], seconds: float) -> str:
    from tencentcloud.common.credential import Credential  # noqa: PLC0415 - an extra, and slow to import
    from tencentcloud.common.profile.client_profile import ClientProfile  # noqa: PLC0415
    from tencentcloud.common.profile.http_profile import HttpProfile  # noqa: PLC0415
    from tencentcloud.sms.v20210111.models import SendSmsRequest  # noqa: PLC0415
    from tencentcloud.sms.v20210111.sms_client import SmsClient  # noqa: PLC0415

    http = HttpProfile(protocol=sms.protocol, endpoint=sms.host, reqTimeout=max(1, int(seconds)))
    client = SmsClient(Credential(sms.key, sms.secret), sms.region, ClientProfile(httpProfile=http))
    request = SendSmsRequest()
    request.SmsSdkAppId, request.SignName, request.TemplateId = sms.app, sms.sign, sms.template
    request.TemplateParamSet = list(values.values())
    request.PhoneNumberSet = [sms.phone if sms.phone.startswith("+") else "+86" + sms.phone]
    answer = client.SendSms(request).SendStatusSet[0]
    return "" if answer.Code == "Ok" else f"{answer.Code} {answer.Message}"
