/** What the settings of an init mean for its network; lifecycle.md 1.6. */
import { NetworkConfig } from "./network.ts";
import { ProfileKind } from "./profile.ts";
import type { Settings } from "./settings.ts";

const PUBLIC_NAME_SERVERS = ["8.8.8.8", "8.8.4.4"];

/** The network of a profile, with the settings laid over it. */
export function networkConfig(settings: Settings): NetworkConfig {
  const config = new NetworkConfig();
  config.ip = settings.ip;
  config.isGuest = settings.network === "guest";
  config.hostName = settings.hostname;
  config.authorizedKey = settings.authorizedKey;
  config.commands = settings.exec;
  switch (settings.profile.kind) {
    case ProfileKind.WRENN:
      config.address = "169.254.0.21";
      config.mask = "255.255.255.252";
      config.gateway = "169.254.0.22";
      config.nameServers = PUBLIC_NAME_SERVERS;
      break;
    case ProfileKind.SMOLVM:
      config.address = "172.16.0.2";
      config.mask = "255.255.255.0";
      config.gateway = "172.16.0.1";
      config.nameServers = ["172.16.0.1"].concat(PUBLIC_NAME_SERVERS);
      config.servesSsh = true;
      break;
    default:
      break;
  }
  return config;
}
