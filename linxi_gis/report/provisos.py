"""The sentences that every answer carries, whatever its face."""

DISCLAIMER = "初步研判，不替代主管部门认定"
STAMP = "示意数据，结论无效力"
NO_ADVICE = "仅供选址调整时参考的思路，不构成拆分项目的建议，也不代表避让后可行"
