"""The first list of responsibilities (责任清单与流程规范), as migration 0002 seeds it; the bureau keeps it.

By the groups of DOMAIN.md §6: what 社 (the grid worker) and 所 (the commissioner) do, which section of
the bureau guides, which other department answers. A grid worker looks, reminds and reports (巡查、走访),
and never inspects (检查).
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """`who`: a role, `BUREAU_SECTION:<section>` or `department:<code>`."""

    where: str
    who: str
    duty: str
    standard: str = ""
    basis: str = ""


ARTICLE = "肥城市市场监管局“所社联动”工作机制"
HOUSE = "本局规定"
INSPECTION = "国办发〔2024〕54号"
WORKER, OWNER = "GRID_WORKER", "COMMISSIONER"
HANDED = "接到移交后出具回执，10个工作日内书面答复处理结果。"
WHISTLE = "接到社区吹哨后30分钟内应答，需到场的2小时内到场，办结后反馈情况。"

ROWS: tuple[Row, ...] = (
    # every lead
    Row(
        "",
        WORKER,
        "巡查、走访中发现问题线索，随手拍照上报；跟进处置，核验结果并签字。",
        "发现上报（签“发现”“移交”）→告知经营者→配合专员到场→反馈后24小时内核验（签“结果”），未改好的退回重办。"
        "只看、只提醒、只上报，不进行检查，不作处理决定。",
        ARTICLE,
    ),
    Row(
        "",
        OWNER,
        "接收本网格线索，依法处置，反馈结果并签字。",
        "派单后30分钟内接单（签“知悉”“接收”）→到场或约见处置→24小时内反馈并附证据（签“结果”）；"
        "不能按时办结的，到期前申请延期或作阶段反馈。",
        ARTICLE,
    ),
    Row(
        "",
        "OFFICE_CLERK",
        "处理待派单线索，打印文书，登记台账。",
        "系统未能派出的线索15分钟内人工派单。",
        HOUSE,
    ),
    Row(
        "",
        "OFFICE_HEAD",
        "与社区书记共同督办超时线索，审批延期、暂缓和退单。",
        "督办单2小时内签收并提出督办意见（夜间一般事项自08:30起算）；审批事项当日办理，超期未批的责任计入审批人。",
        ARTICLE,
    ),
    Row(
        "",
        "COMMUNITY_HEAD",
        "与所长共同督办超时线索，组织网格员核验，必要时吹哨调集部门力量。",
        "督办单2小时内签收；反馈满48小时无人核验的，说明原因后代核验。",
        ARTICLE,
    ),
    Row(
        "",
        "BUREAU",
        "督促所、社签收督办单，协调跨所、跨部门事项。",
        "升级的督办单当日过问，直至线索推进。",
        HOUSE,
    ),
    Row(
        "0",
        OWNER,
        "到场弄清问题，改到相应分类。",
        "未改类前按食品安全当日处置时限计时，改类从发现时间重新计算。",
        HOUSE,
    ),
    # F 食品安全
    Row(
        "F",
        WORKER,
        "留意证照公示、后厨环境、过期变质食品和虫鼠害，发现立即上报。",
        "拍清店招、问题部位和标签；疑似多人不适的，先拨120，再上报，提醒经营者保留剩余食品。",
        "《食品安全法》；当日发现、当日处置",
    ),
    Row(
        "F",
        OWNER,
        "当日控制食品安全隐患，责令改正，依法查处。",
        "到场→封存、下架或暂停相关操作→登记“已现场处置”→取证、抽样→责令改正或立案；"
        "进入经营场所检查须两人、出示证件并扫码登记。",
        f"《食品安全法》；{INSPECTION}",
    ),
    Row(
        "F",
        "BUREAU_SECTION:FOOD",
        "指导食品安全隐患处置，组织抽检和风险研判。",
        "严重以上线索当日跟踪。",
        HOUSE,
    ),
    Row(
        "F06",
        "department:education",
        "督促学校、幼儿园和校外供餐单位落实食堂管理责任。",
        WHISTLE,
        "《学校食品安全与营养健康管理规定》",
    ),
    Row("F07", "department:health", "组织救治和流行病学调查。", WHISTLE, "《食品安全法》第一百零五条"),
    # L 登记许可
    Row(
        "L",
        WORKER,
        "留意无照经营、执照未亮明和店址变化，随时更新经营主体台账。",
        "新开、关停、搬迁的店铺当周登记。",
        HOUSE,
    ),
    Row(
        "L",
        OWNER,
        "核对登记信息，指导补办、变更，依法查处无证无照经营。",
        "能现场指导的现场指导；涉及许可的移送许可部门。",
        "《市场主体登记管理条例》《无证无照经营查处办法》",
    ),
    Row("L", "BUREAU_SECTION:REGISTRATION", "解答登记许可政策，开通补办绿色通道。", "", HOUSE),
    # P 价格计量
    Row("P", WORKER, "留意明码标价和群众对短斤少两的反映。", "拍清价签和小票，记下反映的时间、商品。", HOUSE),
    Row(
        "P",
        OWNER,
        "查处价格违法，检查在用计量器具。",
        "计量器具未检定的责令停止使用并限期检定；加油机异常的先停用该枪。",
        "《价格法》《计量法》",
    ),
    Row("P", "BUREAU_SECTION:PRICE", "指导价格和计量案件办理，安排检定机构。", "", HOUSE),
    # Q 产品质量
    Row(
        "Q",
        WORKER,
        "留意假冒伪劣、电动自行车改装和燃气具使用情况。",
        "闻到燃气味立即疏散并拨打119，再上报。",
        HOUSE,
    ),
    Row(
        "Q",
        OWNER,
        "查处不合格产品，追查来源。",
        "先下架、封存，再抽样送检；涉嫌犯罪的移送公安。",
        "《产品质量法》",
    ),
    Row("Q", "BUREAU_SECTION:QUALITY", "指导产品质量案件办理，组织监督抽查。", "", HOUSE),
    Row("Q02", "department:police", "查处违规改装电动自行车上路行驶。", WHISTLE, "《道路交通安全法》"),
    Row("Q02", "department:fire", "查处电动自行车违规停放、充电。", WHISTLE, "《消防法》"),
    Row(
        "Q03",
        "department:housing",
        "查处燃气经营和供应环节违法行为，组织抢修。",
        WHISTLE,
        "《城镇燃气管理条例》",
    ),
    Row("Q03", "department:fire", "处置燃气泄漏险情。", WHISTLE, "《消防法》"),
    # S 特种设备
    Row(
        "S",
        WORKER,
        "留意电梯、叉车、锅炉的使用标志和异常情况。",
        "困人先按应急电话、拨打119，安抚被困人员，再上报。",
        HOUSE,
    ),
    Row(
        "S",
        OWNER,
        "责令停用有隐患的特种设备，督促检验和持证上岗。",
        "超期未检、无证操作的当场停用，下达监察指令书并复查。",
        "《特种设备安全法》",
    ),
    Row(
        "S",
        "BUREAU_SECTION:EQUIPMENT",
        "指导特种设备隐患处置，联系检验机构。",
        "紧急线索立即赶赴现场。",
        HOUSE,
    ),
    Row("S01", "department:fire", "实施电梯困人救援。", WHISTLE, "《消防法》"),
    Row("S01", "department:housing", "督促物业服务人落实电梯使用管理责任。", WHISTLE, "《物业管理条例》"),
    Row("S04", "department:housing", "查处燃气充装、经营环节违法行为。", WHISTLE, "《城镇燃气管理条例》"),
    # D 药械化妆品
    Row(
        "D",
        WORKER,
        "留意药店售药、医美广告和面向老年人的会销讲座。",
        "会销现场不冲突，拍下时间、地点、海报后上报。",
        HOUSE,
    ),
    Row(
        "D",
        OWNER,
        "查处药品、医疗器械、化妆品违法经营。",
        "过期药品当场封存；处方药违规销售的核对处方和登记。",
        "《药品管理法》《医疗器械监督管理条例》",
    ),
    Row("D", "BUREAU_SECTION:DRUG", "指导药械化妆品案件办理，组织抽检。", "", HOUSE),
    Row(
        "D04",
        "department:health",
        "查处无证行医和非法医疗美容诊疗活动。",
        WHISTLE,
        "《医疗美容服务管理办法》",
    ),
    Row("D05", "department:police", "查处以会销实施的诈骗。", WHISTLE, "《刑法》第二百六十六条"),
    # A 广告竞争知产
    Row("A", WORKER, "留意虚假宣传、违法广告和拉人头式活动。", "拍清广告内容和发布位置。", HOUSE),
    Row(
        "A",
        OWNER,
        "查处虚假宣传、违法广告、商标侵权和传销。",
        "先固定证据再责令停止；涉嫌传销的会同公安。",
        "《广告法》《反不正当竞争法》《商标法》",
    ),
    Row("A", "BUREAU_SECTION:ADVERTISING", "指导广告和知识产权案件办理。", "", HOUSE),
    Row("A04", "department:police", "查处组织、领导传销活动。", WHISTLE, "《禁止传销条例》"),
    # C 消费维权
    Row(
        "C",
        WORKER,
        "引导当事双方到就近的消费维权服务站。",
        "小事不出店、大事不出商圈、难事不出社区。",
        ARTICLE,
    ),
    Row(
        "C",
        "STATION_MEDIATOR",
        "受理并调解消费纠纷，督促协议履行。",
        "双方自愿；调解不成的告知可向12315投诉。",
        "《消费者权益保护法》",
    ),
    Row(
        "C",
        OWNER,
        "处理消费纠纷中的违法线索，办理转来的投诉。",
        "投诉7个工作日内决定是否受理。",
        "《消费者权益保护法》第四十六条",
    ),
    Row("C", "BUREAU_SECTION:CONSUMER", "指导消费维权服务站，汇总分析纠纷。", "", HOUSE),
    Row(
        "C02",
        "department:commerce",
        "监督单用途预付卡经营者备案和资金管理。",
        WHISTLE,
        "《单用途商业预付卡管理办法（试行）》",
    ),
    Row("C02", "department:police", "查处以预付卡实施的诈骗。", WHISTLE, "《刑法》第二百六十六条"),
    # X 移交其他部门
    Row(
        "X",
        WORKER,
        "留意占道、消防通道、违建、噪声、校外培训和无证行医，如实上报。",
        "写清位置和时段，不与当事人争执。",
        HOUSE,
    ),
    Row(
        "X",
        OWNER,
        "核实后移交主管部门，取得回执，催办答复。",
        "移交→录入回执→10个工作日未答复的催办；有答复后告知网格员核验。",
        HOUSE,
    ),
    Row("X01", "department:citymgmt", "查处占道和出店经营。", HANDED, "《城市市容和环境卫生管理条例》"),
    Row("X02", "department:fire", "查处占用消防通道、飞线充电。", HANDED, "《消防法》"),
    Row("X03", "department:citymgmt", "查处违法建设。", HANDED, "《城乡规划法》"),
    Row("X03", "department:housing", "认定房屋结构安全，查处擅自改建。", HANDED, "《建设工程质量管理条例》"),
    Row("X04", "department:environment", "查处工业、建筑施工和经营场所噪声。", HANDED, "《噪声污染防治法》"),
    Row("X04", "department:police", "查处社会生活噪声扰民。", HANDED, "《噪声污染防治法》《治安管理处罚法》"),
    Row("X05", "department:education", "查处违规校外培训。", HANDED, "《校外培训行政处罚暂行办法》"),
    Row("X06", "department:health", "查处无证行医。", HANDED, "《医疗机构管理条例》"),
)


def columns(row: Row, position: int) -> dict[str, object]:
    """The columns of `ResponsibilityItem` for one row."""
    kind, _, name = row.who.partition(":")
    return {
        "group": row.where[:1],
        "category": row.where if len(row.where) > 1 else "",
        "role": "" if kind == "department" else kind,
        "section": name if kind == "BUREAU_SECTION" else "",
        "department": name if kind == "department" else "",
        "duty": row.duty,
        "standard": row.standard,
        "basis": row.basis,
        "position": position,
    }
