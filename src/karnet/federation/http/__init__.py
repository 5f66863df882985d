"""The protocol over HTTPS: what a hub node answers (`server`), and how a member asks (`client`).

POST /common-card/v1/message   a message of `core.messages`, MessagePack both ways; `Authorization: Bearer <token>`
POST /common-card/v1/join      joining by an invitation, JSON both ways (`joining`)
GET  /common-card/v1           says whose node this is
"""

PATH = "/common-card/v1"
MESSAGE = f"{PATH}/message"
JOIN = f"{PATH}/join"
