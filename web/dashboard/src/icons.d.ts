declare module "lucide:*" {
  const icon: import("./ui/icon").Icon;
  export default icon;
}
